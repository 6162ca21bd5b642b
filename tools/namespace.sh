# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# Runs commands as root in a mount namespace of their own. An ordinary user needs a user namespace for that. tools/setup
# and tools/in-root source this file.

# namespace_run CMD...: runs CMD as root of the namespace, with private mounts.
namespace_run()
{
	if [ "$(id -u)" = 0 ]; then
		unshare --mount -- "$@"
	else
		unshare --mount --map-root-user --map-auto -- "$@"
	fi
}

# namespace_exec CMD...: the same, but CMD replaces this process, so that signals and the terminal reach it directly.
namespace_exec()
{
	if [ "$(id -u)" = 0 ]; then
		exec unshare --mount -- "$@"
	else
		exec unshare --mount --map-root-user --map-auto -- "$@"
	fi
}

# namespace_possible: tries a plain user namespace first. Where that is refused, for example in a chroot, unshare
# --map-auto would leave a helper process that never ends.
namespace_possible()
{
	{ [ "$(id -u)" = 0 ] || unshare --user true; } && namespace_run mount --rbind /proc /proc
}

# namespace_check: fails, and prints what to do, if this machine allows no such namespace.
namespace_check()
{
	namespace_possible 2>/dev/null && return
	if [ "$(id -u)" = 0 ]; then
		echo "this root may not mount (a container without CAP_SYS_ADMIN?):" \
		     "run on the machine itself or in a privileged container" >&2
		return 1
	fi
	cat >&2 <<END
$(id -un) may not make user namespaces on this machine. Either run the same command as root (sudo),
or allow them once:
  sudo apt-get install uidmap
  sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $(id -un)   # if /etc/subuid lacks you
  sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0                       # Ubuntu 24.04 and later
and util-linux 2.38 or later (Debian 12, Ubuntu 24.04).
END
	return 1
}
