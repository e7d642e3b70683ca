# Sourced. again COMMAND...: once more, thirty times in all, while it says 75: nothing is wrong, but the machine was too busy to
# say anything.
again() {
    local status
    for _ in {1..30}; do
        "$@"
        status=$?
        [ $status = 75 ] || return $status
    done
    return 1
}
