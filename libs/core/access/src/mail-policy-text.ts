import type { MailPolicy, PolicySide } from './mail-policy.ts';

/** A mail policy in a line, for differences and histories: whom it is for, then what it does. */
export function mailPolicyText({ sender, recipient, actions }: MailPolicy): string {
  const { subjectTag, addHeaders = [], removeHeaders = [], priority, drop } = actions;
  const does = [
    ...(drop === true ? ['drop'] : []),
    ...(subjectTag === undefined ? [] : [`subject tag ${JSON.stringify(subjectTag)}`]),
    ...addHeaders.map(({ name, value }) => `add ${name}: ${value}`),
    ...removeHeaders.map((name) => `remove ${name}`),
    ...(priority === undefined || priority === 0 ? [] : [`priority ${priority}`]),
  ];
  const whom = [...sideText('from', sender), ...sideText('to', recipient)].join(', ');
  return [whom, does.join(', ')].filter((part) => part !== '').join(': ');
}

function sideText(word: string, { members, not = [] }: PolicySide): string[] {
  return [
    ...(members.length === 0 ? [] : [`${word} ${members.join(' ')}`]),
    ...(not.length === 0 ? [] : [`not ${word} ${not.join(' ')}`]),
  ];
}
