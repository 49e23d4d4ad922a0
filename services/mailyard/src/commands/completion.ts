import { COMMANDS } from '../commands.ts';
import { type Command, EXIT } from '../io.ts';

export const USAGE = `usage: mailyard completion bash|zsh

  Prints a script that completes the words of mailyard: eval "$(mailyard completion bash)"
`;

const VERBS: Readonly<Record<string, readonly string[]>> = {
  smtproutes: ['print', 'new', 'edit', 'delete', 'import', 'export', 'clear', 'test'],
  queue: ['status', 'list', 'retry'],
  completion: ['bash', 'zsh'],
};

const OPTIONS = ['--server', '--token-file', '--ca', '--cert', '--key', '--json', '--help'];

/** `mailyard completion`: scripts for shells, made of the commands that there are. */
export const run: Command = async (args, io) => {
  const [shell, ...rest] = args;
  if (shell === '--help' || shell === '-h') {
    io.stdout.write(USAGE);
    return EXIT.done;
  }
  if (rest.length > 0 || (shell !== 'bash' && shell !== 'zsh')) {
    io.stderr.write(`mailyard completion: bash or zsh?\n\n${USAGE}`);
    return EXIT.misused;
  }
  io.stdout.write(shell === 'bash' ? bash() : zsh());
  return EXIT.done;
};

function bash(): string {
  return `_mailyard() {
  local current="\${COMP_WORDS[COMP_CWORD]}" words
  case "\${COMP_WORDS[1]}" in
${cases('    ')}
    *) words="" ;;
  esac
  [ "$COMP_CWORD" -eq 1 ] && words="${[...COMMANDS.keys()].join(' ')}"
  [ "$COMP_CWORD" -gt 2 ] && words=""
  case "$current" in -*) words="${OPTIONS.join(' ')}" ;; esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _mailyard mailyard
`;
}

function zsh(): string {
  return `#compdef mailyard
_mailyard() {
  local -a offered
  case "$words[2]" in
${cases('    ', true)}
  esac
  (( CURRENT == 2 )) && offered=(${[...COMMANDS.keys()].join(' ')})
  (( CURRENT > 3 )) && offered=()
  [[ "$PREFIX" == -* ]] && offered=(${OPTIONS.join(' ')})
  if (( $#offered )); then compadd -- $offered; else _files; fi
}
compdef _mailyard mailyard
`;
}

function cases(indent: string, isZsh = false): string {
  return Object.entries(VERBS)
    .map(
      ([command, verbs]) =>
        `${indent}${command}) ${isZsh ? `offered=(${verbs.join(' ')})` : `words="${verbs.join(' ')}"`} ;;`,
    )
    .join('\n');
}
