# Sourced. again COMMAND...: once more, thirty times in all, while it says 75: nothing is wrong, but the machine was too busy to
# say anything. Programs take LONGER times as long: what is lost at their begin and end is the less of it.
again() {
    local status try
    for try in {1..30}; do
        export LONGER=$(((try + 4) / 5))
        "$@"
        status=$?
        [ $status = 75 ] || return $status
    done
    return 1
}
