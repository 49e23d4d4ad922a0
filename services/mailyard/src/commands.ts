import type { Command } from './io.ts';

/** Each command's module is loaded only when it is asked for: `mailyard check` need not load Kafka. */
export const COMMANDS: ReadonlyMap<
  string,
  { readonly summary: string; readonly load: () => Promise<{ run: Command }> }
> = new Map([
  ['start', { summary: 'run the gateway in the foreground', load: () => import('./commands/start.ts') }],
  [
    'smtproutes',
    { summary: 'print, change, import, export and test SMTP routes', load: () => import('./commands/smtproutes.ts') },
  ],
  [
    'hat',
    { summary: 'print, import, export and test who may connect and relay', load: () => import('./commands/hat.ts') },
  ],
  ['rat', { summary: 'print, import, export and test whose mail is taken', load: () => import('./commands/rat.ts') }],
  ['explain', { summary: 'what would become of a message, and why', load: () => import('./commands/explain.ts') }],
  [
    'aliases',
    {
      summary: 'print, import, export and test to whom mail goes instead',
      load: () => import('./commands/aliases.ts'),
    },
  ],
  [
    'destconfig',
    {
      summary: 'print, import and export destination controls',
      load: () => import('./commands/destconfig.ts'),
    },
  ],
  [
    'unsubscribe',
    { summary: 'print, import and export who is sent nothing', load: () => import('./commands/unsubscribe.ts') },
  ],
  [
    'domainmap',
    {
      summary: 'print, import and export under which address recipients are taken',
      load: () => import('./commands/domainmap.ts'),
    },
  ],
  ['apply', { summary: 'make the configuration what a file says', load: () => import('./commands/apply.ts') }],
  ['history', { summary: 'who changed the configuration, when and why', load: () => import('./commands/history.ts') }],
  ['diff', { summary: 'what differs between two versions', load: () => import('./commands/diff.ts') }],
  ['rollback', { summary: 'go back to what a version said', load: () => import('./commands/rollback.ts') }],
  ['verify', { summary: "check the chain of the configuration's history", load: () => import('./commands/verify.ts') }],
  [
    'queue',
    { summary: 'what waits and what became of all mail; try it now', load: () => import('./commands/queue.ts') },
  ],
  ['trace', { summary: 'every event of a message or recipient', load: () => import('./commands/trace.ts') }],
  ['events', { summary: 'the events of all mail as they come', load: () => import('./commands/events.ts') }],
  ['setup', { summary: 'the wizard of the first day', load: () => import('./commands/setup.ts') }],
  ['user', { summary: 'who may sign in to the web page', load: () => import('./commands/user.ts') }],
  [
    'smtp-user',
    { summary: 'who may authenticate over SMTP and send to anyone', load: () => import('./commands/smtp-user.ts') },
  ],
  [
    'dkim',
    { summary: 'keys and DNS records of those who sign outgoing mail', load: () => import('./commands/dkim.ts') },
  ],
  ['init', { summary: 'begin a new configuration in an empty log', load: () => import('./commands/init.ts') }],
  ['check', { summary: 'validate the settings', load: () => import('./commands/check.ts') }],
  [
    'completion',
    {
      summary: 'print a script that completes words in a shell',
      load: async () => {
        const { completionOf } = await import('./commands/completion.ts');
        return { run: completionOf([...COMMANDS.keys()]) };
      },
    },
  ],
]);
