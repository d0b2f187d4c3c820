# shellcheck shell=bash
# What the scripts share; each sources it first. Sets the working directory to the repository and gives
# `say` (a line of progress), `die` (an error with a way out), `alive` and `end` (processes by id).

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

# A line of progress, bold on a terminal.
say() {
    if [[ -t 1 ]]; then printf '\033[1m%s\033[0m\n' "$*"; else printf '%s\n' "$*"; fi
}

# An error on standard error; ends the script.
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# Whether process $1 runs; one that has ended and waits for its parent does not.
alive() {
    local state
    state=$(ps -o stat= -p "$1" 2>/dev/null) && [[ $state != Z* ]]
}

# Asks process $1 to end, waits up to $2 seconds (default 10), then insists.
end() {
    local pid=$1 tries=$((${2:-10} * 20))
    kill -TERM "$pid" 2>/dev/null || return 0
    while alive "$pid" && ((tries-- > 0)); do sleep 0.05; done
    ! alive "$pid" || kill -KILL "$pid" 2>/dev/null || true
}

# The header comment of the script, which is its help text.
usage() {
    awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$1"
}
