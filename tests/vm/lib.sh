# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the VM scripts share. Sourced, never run.

vm_dir=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
# shellcheck disable=SC2034 # used by those who source this
top=$(realpath "$vm_dir/../..")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/qaccel
me=${0##*/}
me=${me%.sh}

# Everything a person reads goes to stderr: stdout is for answers and for the
# output of the command in the VM.
say() { [[ -n ${QUIET:-} ]] || echo "[$me] $*" >&2; }
die() { echo "$me: $*" >&2; exit 1; }

# Twelve hex digits that change when any of the named files does.
hash_of() { cat "$@" | sha256sum | cut -c1-12; }

# with_lock NAME COMMAND...: two builds at once wait for each other. The
# descriptor is closed for the command, so nothing it leaves running keeps
# the lock.
with_lock() {
	local name=$1 fd
	shift
	mkdir -p "$cache"
	exec {fd}>"$cache/$name.lock"
	if ! flock -n "$fd"; then
		say "another build holds $name, waiting for it"
		flock "$fd"
	fi
	( eval "exec $fd>&-"; "$@" )
	local status=$?
	exec {fd}>&-
	return $status
}

# logged LOG COUNTER COMMAND...: runs the command with its output in LOG and
# shows what the function COUNTER prints every 15 seconds. The counter is the
# background part: a shell's background jobs ignore Ctrl-C, the command must not.
logged() {
	local log=$1 counter=$2 ticker status=0 started=$SECONDS
	shift 2
	( while sleep 15; do say "  $(( SECONDS - started )) s: $("$counter")"; done ) \
		</dev/null >/dev/null &
	ticker=$!
	# shellcheck disable=SC2064 # this ticker
	trap "kill $ticker 2>/dev/null" EXIT
	"$@" >"$log" 2>&1 </dev/null || status=$?
	kill "$ticker" 2>/dev/null || :
	wait "$ticker" 2>/dev/null || :
	trap - EXIT
	if [[ $status != 0 ]]; then
		tail -n 30 "$log" >&2
		die "failed (status $status): $1 ...; the whole output is in $log"
	fi
}

# The Debian mirror this machine already uses.
mirror() {
	local uri=${QACCEL_MIRROR:-}
	# shellcheck disable=SC2016 # the $ is for apt
	[[ -n $uri ]] || uri=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null |
		grep -E '/debian/?$' | head -n 1)
	[[ -n $uri ]] ||
		die "no Debian mirror in this machine's apt configuration; set QACCEL_MIRROR to its address"
	echo "$uri"
}

# private_apt DIR TYPE SUITE: sets the array apt to options for an apt that
# knows only SUITE and keeps its state in DIR, and fetches its index. The
# machine's own apt configuration stays as it is, and no root is needed.
private_apt() {
	local dir=$1 type=$2 suite=$3 uri
	uri=$(mirror) || exit 1
	mkdir -p "$dir"/{lists,archives}/partial
	echo "$type [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $suite main" \
		>"$dir/sources.list"
	apt=(-oDir::Etc::SourceList="$dir/sources.list" -oDir::Etc::SourceParts=/dev/null
		-oDir::State::Lists="$dir/lists" -oDir::Cache="$dir" -oDir::State::status=/dev/null
		-oDir::Cache::pkgcache= -oDir::Cache::srcpkgcache=
		-oAPT::Sandbox::User= -oAcquire::Languages=none -oAcquire::Retries=3)
	apt-get "${apt[@]}" -qq update >&2 || die "apt-get update for $suite failed"
}
