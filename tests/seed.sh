# Sourced: the seed of all random tests, as tests/common/random.rs takes it.
[ -n "${ZEUS_AMD_SEED:-}" ] || ZEUS_AMD_SEED=$([ -n "${CI:-}" ] && echo 1 || od -An -N4 -tu4 /dev/urandom | tr -d ' ')
export ZEUS_AMD_SEED
echo "seed $ZEUS_AMD_SEED; ZEUS_AMD_SEED=$ZEUS_AMD_SEED repeats it"
