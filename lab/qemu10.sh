#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# QEMU 10, whose VT-d walks the page tables of processes: build/qemu10/qemu-system-x86_64.
# Where the machine's own is older it is that of Debian 13, unpacked into build/qemu10
# together with the libraries it wants; nothing is installed.
# usage: lab/qemu10.sh
. "$(dirname "$0")/lib.sh"
. "$lab/apt.sh"

release=trixie
out=$build/qemu10
command=$out/qemu-system-x86_64
root=$out/root

# What the machine has; 0 if it has none
installed=$(qemu-system-x86_64 --version 2>/dev/null | sed -n 's/.* version \([0-9]*\).*/\1/p')
hold qemu10
mkdir -p "$out" "$logs"
if [ "${installed:-0}" -ge 10 ]; then
	step "QEMU 10: this machine's own"
	printf '#!/bin/sh\nexec qemu-system-x86_64 "$@"\n' | put_if_new "$command"
	chmod +x "$command"
	dpkg-query -W -f '${source:Version}' qemu-system-x86 >"$out/version"
	exit
fi
step "QEMU 10 of Debian 13"
if [ -s "$out/version" ] && "$command" --version >/dev/null 2>&1; then
	exit
fi

log=$logs/qemu10.log
rm -rf "$root" "$out/version"
own_sources deb "$release"
{ own_apt update && own_apt -y --download-only --no-install-recommends install \
	qemu-system-x86; } >"$log" 2>&1 || {
	tail -n 5 "$log" >&2
	die "QEMU 10 could not be fetched (log: $log)"
}
# The source's version is named where it is another one than the package's.
found=$(echo "$out"/apt/cache/archives/qemu-system-x86_*.deb)
version=$(dpkg-deb -f "$found" Source | sed -n 's/.*(\(.*\))/\1/p')
version=${version:-$(dpkg-deb -f "$found" Version)}
mkdir -p "$root"
for package in "$out"/apt/cache/archives/*.deb; do
	logged qemu10-unpack dpkg-deb -x "$package" "$root"
done
rm -rf "$out/apt/cache/archives"

# By its own loader, which finds its own libraries. It takes the loader for itself,
# so that it has to be told where its parts are.
libraries=$root/usr/lib/x86_64-linux-gnu
cat >"$command" <<END
#!/bin/sh
QEMU_MODULE_DIR='$libraries/qemu' exec '$root/usr/lib64/ld-linux-x86-64.so.2' \\
	--library-path '$libraries' '$root/usr/bin/qemu-system-x86_64' \\
	-L '$root/usr/share/qemu' -L '$root/usr/share/seabios' "\$@"
END
chmod +x "$command"
logged qemu10-version "$command" --version
echo "$version" >"$out/version"
