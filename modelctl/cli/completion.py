"""`modelctl completion`: what makes a shell complete commands, options and the repository's names.

The scripts ask `modelctl completion words` at each key: what may stand in place of the last of the
words that are typed, which come in an environment variable, one a line, the last as far as it is.
"""

import argparse
import os

from modelctl.cli.candidates import candidates

_WORDS = "MODELCTL_WORDS"
_END = "\n\x04"  # after the last word where a shell would drop an empty one
# A word that bash takes apart at its equals sign is put together again, and the answer without it.
_BASH = """\
# Put into ~/.bashrc: eval "$(modelctl completion bash)"
_modelctl() {
  local IFS=$'\\n' word
  local words="${COMP_WORDS[*]:1:COMP_CWORD}"
  words="${words//$'\\n=\\n'/=}"
  [[ $words == *$'\\n=' ]] && words="${words%$'\\n='}="
  word="${words##*$'\\n'}"
  COMPREPLY=($(MODELCTL_WORDS="$words" modelctl completion words 2>/dev/null))
  if [[ $word == *=* && $COMP_WORDBREAKS == *=* ]]; then
    COMPREPLY=("${COMPREPLY[@]#"${word%%=*}="}")
  fi
  [[ ${#COMPREPLY[@]} -gt 0 && ${COMPREPLY[0]} == *[=/] ]] && compopt -o nospace
  return 0
}
complete -o default -F _modelctl modelctl
"""
_ZSH = """\
# Put into ~/.zshrc, after compinit: eval "$(modelctl completion zsh)"
_modelctl() {
  local -a found
  local -x MODELCTL_WORDS="${(pj:\\n:)words[2,CURRENT]}"
  found=(${(f)"$(modelctl completion words 2>/dev/null)"})
  if (( ${#found} )); then
    [[ ${found[1]} == *[=/] ]] && compadd -S '' -- $found || compadd -- $found
  else
    _files
  fi
}
compdef _modelctl modelctl
"""
_FISH = """\
# Put into ~/.config/fish/config.fish: modelctl completion fish | source
function __modelctl_words
    set -l typed (commandline -opc) (commandline -ct)
    set -lx MODELCTL_WORDS (string join \\n -- $typed[2..] \\x04 | string collect)
    set -l found (modelctl completion words 2>/dev/null)
    if set -q found[1]
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c modelctl -f -a '(__modelctl_words)'
"""
_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("shell", choices=(*_SCRIPTS, "words"), help="whose script to print")


def run(arguments: argparse.Namespace) -> int:
    """Print a script, or what may stand in place of the word that is being typed."""
    if arguments.shell in _SCRIPTS:
        print(_SCRIPTS[arguments.shell], end="")
        return 0
    words = os.environ.get(_WORDS, "").removesuffix(_END).split("\n")
    for candidate in candidates(words, arguments.commands):
        print(candidate)
    return 0
