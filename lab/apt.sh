#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Sourced by scripts that need packages the machine is not to have: an apt of our
# own with the machine's mirrors and keys, whose lists and downloads are in $out/apt.
# What the machine has configured stays as it is.

# own_apt ARGUMENTS of apt-get
own_apt() {
	apt-get -q -o Dir::Etc::SourceList="$out/apt/sources.list" -o Dir::Etc::SourceParts=- \
		-o Dir::State::Lists="$out/apt/lists" -o Dir::State::status="$out/apt/status" \
		-o Dir::Cache="$out/apt/cache" -o APT::Sandbox::User=root \
		-o Acquire::Retries=3 "$@"
}

# own_sources TYPE [RELEASE]: from where deb or deb-src packages come; without RELEASE
# those of the releases that the machine has, else the main ones of that release
own_sources() {
	local keys=/usr/share/keyrings/debian-archive-keyring.gpg release origin uri component
	[ -f "$keys" ] && keys="[signed-by=$keys] " || keys=
	mkdir -p "$out"/apt/{lists,cache}/partial
	: >"$out/apt/status"
	# shellcheck disable=SC2016 # apt replaces these
	apt-get indextargets --format '$(ORIGIN) $(REPO_URI) $(RELEASE) $(COMPONENT)' \
		'Created-By: Packages' | sort -u |
	while read -r origin uri release component; do
		[ "$origin" = Debian ] || continue
		if [ -n "${2:-}" ]; then
			# Those of security and of updates have other names.
			[[ $release != *-* ]] || continue
			release=$2
		fi
		echo "$1 $keys$uri $release $component"
	done | sort -u >"$out/apt/sources.list"
	[ -s "$out/apt/sources.list" ] ||
		die "this machine has no package lists of Debian; apt-get update fetches them"
}
