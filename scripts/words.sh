#!/bin/sh
# Lists private words that once were in this project where plain terms belong. Prints file:line:text and fails if there is any.
#
#     scripts/words.sh [FOLDER...]        (default: what users and newcomers read)
#
# A line that needs such a word in its ordinary sense carries one of the contexts below.
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- src include tools examples-c python README.md CHANGELOG.md ARCHITECTURE.md CONTRIBUTING.md SECURITY.md

words='ledger|\bhush|comes? round|came round|come round|unwound|\bunwind(s|ing)?\b|\btold\b|\btells?\b|stands? still|stood still|\btheirs\b|\bours\b|\bnobody\b|\bsomebody\b|\banew\b|\basleep\b|\bawake\b|\bwakes?\b|at_once|closer_|\blooks?( at|ed|ing)?\b|\blooked\b|\bslack\b|\bverdicts?\b|second die|short way|without a word|makes an end|of its own accord|\bwhoever\b|\bguests?\b|the words (are|for|is)|in words|a thousandth|put(s)? back|was not to be|\bbook\b'
# Ordinary uses: Rust's unwinding, file and term names, "look up", SR-IOV guests, and a virtual machine's host.
ordinary='catch_unwind|AssertUnwindSafe|panic ?[=!(]|panic = |-C panic|unwinding|resume_unwind|look[ -]?up|lookup|SR-IOV|virtual machine|\bVM\b|guest/host|words\.sh|may look like|release_words|wake-up|wakeup|\.wake|fn wake|UNWIND|unwind_safe|cannot tell apart|must not unwind|^CHANGELOG.md:[0-9]+:[|]'

found=$(grep -rnEi --include='*.rs' --include='*.c' --include='*.h' --include='*.hpp' --include='*.cpp' --include='*.f90' --include='*.py' \
    --include='*.md' --include='*.sh' -e "$words" -- "$@" | grep -vE "$ordinary" || true)
[ -n "$found" ] || exit 0
printf '%s\n' "$found"
printf '%s lines\n' "$(printf '%s\n' "$found" | wc -l)" >&2
exit 1
