import type { FlowParameters } from '../api/values.ts';

/** What may be done with a client (R124). */
export const ACTIONS = ['ACCEPT', 'RELAY', 'REJECT', 'TCPREFUSE', 'CONTINUE'] as const;

/** The parameters that are kept to, as AsyncOS calls them; with the values of those that have few. */
export const PARAMETER_FIELDS: Readonly<Record<string, readonly string[]>> = {
  max_msgs_per_session: [],
  max_rcpts_per_msg: [],
  max_message_size: [],
  max_concurrency: [],
  max_rcpts_per_hour: [],
  max_rcpts_per_hour_code: [],
  max_rcpts_per_hour_text: [],
  smtp_banner_code: [],
  smtp_banner_text: [],
  override_hostname: [],
  tls: ['off', 'on', 'required'],
  delayed_rejection: ['on', 'off'],
};

/** Parameters as they are typed: those that have a field, and the others a line each. */
export interface ParameterDraft {
  readonly parameters: FlowParameters;
  readonly others: string;
}

export function parameterDraftOf(written: FlowParameters): ParameterDraft {
  const entries = Object.entries(written);
  const others = entries.filter(([name]) => !Object.hasOwn(PARAMETER_FIELDS, name));
  return {
    parameters: Object.fromEntries(entries.filter(([name]) => Object.hasOwn(PARAMETER_FIELDS, name))),
    others: others.map(([name, value]) => `${name} = ${value}`).join('\n'),
  };
}

/** Blank fields are no parameters; but an empty host name is one: the greeting then names none. */
export function parametersOf({ parameters, others }: ParameterDraft): FlowParameters {
  return Object.fromEntries([
    ...Object.entries(parameters),
    ...otherLines(others).map(([name, value = '']) => [name, value]),
  ]);
}

export function parameterMisfits({ others }: ParameterDraft, text: string): Readonly<Record<string, string>> {
  return otherLines(others).every(([name, value]) => name !== '' && value !== undefined) ? {} : { others: text };
}

/** Those that have no field, a line each; without a value where a line has none. */
export function otherLines(text: string): [name: string, value: string | undefined][] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => {
    const at = line.indexOf('=');
    return at < 0 ? [line.trim(), undefined] : [line.slice(0, at).trim(), line.slice(at + 1).trim()];
  });
}
