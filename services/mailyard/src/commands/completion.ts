import { type Command, EXIT } from '../io.ts';

export const USAGE = `usage: mailyard completion bash|zsh

  Prints a script that completes the words of mailyard. In ~/.bashrc: eval "$(mailyard completion bash)"; in ~/.zshrc,
  behind compinit: eval "$(mailyard completion zsh)"
`;

const VERBS: Readonly<Record<string, readonly string[]>> = {
  smtproutes: ['print', 'new', 'edit', 'delete', 'import', 'export', 'clear', 'test'],
  hat: ['print', 'import', 'export', 'test'],
  rat: ['print', 'import', 'export', 'test'],
  queue: ['status', 'list', 'show', 'oldest', 'retry', 'remove', 'bounce', 'suspend', 'resume'],
  aliases: ['print', 'import', 'export', 'test'],
  domainmap: ['print', 'import', 'export'],
  unsubscribe: ['print', 'import', 'export'],
  destconfig: ['print', 'import', 'export'],
  user: ['list', 'set', 'remove'],
  'smtp-user': ['list', 'set', 'remove'],
  dkim: ['list', 'record', 'test', 'keygen'],
  completion: ['bash', 'zsh'],
};

const SHARED = '--server --token-file --ca --cert --key --json --help';
const START = '--config --data --smtp --grpc --http --dns --accept --roles --help';

/** Options besides those that every command has that asks a server; `=` before those of a command that asks none. */
const OPTIONS: Readonly<Record<string, string>> = {
  smtproutes:
    '--auth --reason --expect --id --author --dry-run --past --past-limit --from --directory --version --at --message --recipient',
  hat: '--listener --name --dry-run --reason --expect --id --author',
  rat: '--dry-run --reason --expect --id --author',
  explain: '--client --name --listener --authenticated --from --header-from --policies',
  aliases: '--from --dry-run --reason --expect --id --author',
  destconfig: '--dry-run --reason --expect --id --author',
  unsubscribe: '--dry-run --reason --expect --id --author',
  domainmap: '--dry-run --reason --expect --id --author',
  apply: '--file --show --dry-run --past --past-limit --reason --author --id',
  history: '--limit --before --route',
  rollback: '--reason --author --id --dry-run',
  setup: '--file --author',
  events: '--follow --after --earliest --cursor-file --kind --domain --sender',
  queue:
    '--all --domain --destination --sender --recipient --message --rid --reason --author --dry-run --limit --destinations --listener --until --content',
  dkim: '--type --bits --domain --selector --resolver',
  start: `=${START}`,
  check: `=${START} --offline --json`,
  init: `=${START}`,
  user: '=--config --data --role --json --help',
  'smtp-user': '=--config --data --json --help',
  completion: '=--help',
};

/** `mailyard completion`: scripts for shells, made of the commands that there are. */
export const completionOf =
  (commands: readonly string[]): Command =>
  async (args, io) => {
    const [shell, ...rest] = args;
    if (shell === '--help' || shell === '-h') {
      io.stdout.write(USAGE);
      return EXIT.done;
    }
    if (rest.length > 0 || (shell !== 'bash' && shell !== 'zsh')) {
      io.stderr.write(`mailyard completion: bash or zsh?\n\n${USAGE}`);
      return EXIT.misused;
    }
    io.stdout.write(shell === 'bash' ? bash(commands) : zsh(commands));
    return EXIT.done;
  };

function bash(commands: readonly string[]): string {
  return `_mailyard() {
  local current="\${COMP_WORDS[COMP_CWORD]}" words="" options="${SHARED}"
  case "\${COMP_WORDS[1]}" in
${cases((verbs, options) => `words="${verbs}" options="${options}"`)}
  esac
  [ "$COMP_CWORD" -eq 1 ] && words="${commands.join(' ')}"
  [ "$COMP_CWORD" -gt 2 ] && words=""
  case "$current" in -*) words="$options" ;; esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _mailyard mailyard
`;
}

function zsh(commands: readonly string[]): string {
  return `#compdef mailyard
_mailyard() {
  local -a offered options=(${SHARED})
  case "$words[2]" in
${cases((verbs, options) => `offered=(${verbs}) options=(${options})`)}
  esac
  (( CURRENT == 2 )) && offered=(${commands.join(' ')})
  (( CURRENT > 3 )) && offered=()
  [[ "$PREFIX" == -* ]] && offered=($options)
  if (( $#offered )); then compadd -- $offered; else _files; fi
}
compdef _mailyard mailyard
`;
}

function cases(assign: (verbs: string, options: string) => string): string {
  const names = new Set([...Object.keys(VERBS), ...Object.keys(OPTIONS)]);
  return Array.from(names, (name) => {
    const own = OPTIONS[name] ?? '';
    const options = own.startsWith('=') ? own.slice(1) : `${own} ${SHARED}`.trim();
    return `    ${name}) ${assign((VERBS[name] ?? []).join(' '), options)} ;;`;
  }).join('\n');
}
