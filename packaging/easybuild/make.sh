#!/bin/sh
# Prints the easyconfig of a tarball:
#
#     packaging/easybuild/make.sh zeus_amd-0.1.0-linux-x86_64.tar.xz >zeus_amd-0.1.0.eb && eb zeus_amd-0.1.0.eb
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
name=$(basename "$1" .tar.xz)
version=${name#zeus_amd-}
sum=$(sha256sum "$1" | cut -d' ' -f1)
sed -e '/^# EasyBuild/,/^# that/d' -e "s/@VERSION@/${version%%-*}/; s/@ARCH@/${name##*-}/; s/@SHA256@/$sum/" "$here/zeus_amd.eb"
