// zeus_amd.hpp says what zeus_amd.h says, in both ways of failing. Runs inside a simulated machine of at least two GPUs;
// compiled in each standard, with and without exceptions.
#include <zeus_amd.hpp>

#include <cstdio>
#include <cstring>
#include <thread>

using namespace std::chrono_literals;
using zeus_amd::nothrow_policy;
using zeus_amd::simple_results;

namespace {

int failures = 0;

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                       \
            ++failures;                                                                                                \
        }                                                                                                              \
    } while (false)

std::int32_t status_of(const zeus_amd::error &e)
{
    CHECK(std::strlen(e.what()) > 0);
    return e.status();
}

/// One reading through the wrapper, and what C says: the same value, or the same failure with the same words.
template <class T> struct answer {
    std::int32_t status = 0;
    T value{};
    std::string text{};
};

template <class P> struct ask {
    /// A call that gives a T in the way of P, as status and value.
    template <class T, class F> static answer<T> value(F call)
    {
        if constexpr (std::is_same_v<typename P::template result<int>, int>) {
#ifdef __cpp_exceptions
            try {
                return {0, call(), ""};
            } catch (const zeus_amd::error &e) {
                return {status_of(e), T{}, e.what()};
            }
#endif
        } else {
            auto r = call();
            if (!r)
                return {status_of(r.error()), T{}, r.error().what()};
            return {0, std::move(*r), ""};
        }
    }
    /// The same where there is no value.
    template <class F> static std::int32_t status(F call)
    {
        if constexpr (std::is_same_v<typename P::template result<int>, int>) {
#ifdef __cpp_exceptions
            try {
                call();
                return 0;
            } catch (const zeus_amd::error &e) {
                return status_of(e);
            }
#endif
        } else {
            auto r = call();
            return r ? 0 : status_of(r.error());
        }
    }
};

template <class T> T must(T value)
{
    return value;
}
template <class T> T must(simple_results::result<T> r)
{
    CHECK(r.has_value());
    return std::move(r).value();
}
#ifdef __cpp_lib_expected
template <class T> T must(std::expected<T, zeus_amd::error> r)
{
    CHECK(r.has_value());
    return std::move(*r);
}
#endif

template <class T> void same(const answer<T> &ours, std::int32_t status, T value)
{
    CHECK(ours.status == status);
    CHECK(ours.value == value);
    if (status != 0) {
        char text[2048];
        (void)zeus_amd_last_error(text, sizeof text);
        CHECK(ours.text == text);
    }
}

template <class P, class T, class F, class M> void one(zeus_amd::basic_session<P> &z, std::uint32_t gpu, F *c, M method)
{
    T value{};
    const auto ours = ask<P>::template value<T>([&] { return (z.*method)(gpu); });
    const std::int32_t status = c(z.get(), gpu, &value);
    same<T>(ours, status, value);
}

template <class P, class F, class M> void yes_or_no(zeus_amd::basic_session<P> &z, std::uint32_t gpu, F *c, M method)
{
    std::uint32_t value = 0;
    const auto ours = ask<P>::template value<bool>([&] { return (z.*method)(gpu); });
    const std::int32_t status = c(z.get(), gpu, &value);
    same<bool>(ours, status, value != 0);
}

template <class P, class R, class F, class M>
void two(zeus_amd::basic_session<P> &z, std::uint32_t gpu, F *c, M method)
{
    R value{};
    const auto ours = ask<P>::template value<R>([&] { return (z.*method)(gpu); });
    const std::int32_t status = c(z.get(), gpu, &value.min, &value.max);
    CHECK(ours.status == status && ours.value.min == value.min && ours.value.max == value.max);
    CHECK(value.min <= value.max);
}

template <class P> void readings(zeus_amd::basic_session<P> &z, std::uint32_t gpu)
{
    using s = zeus_amd::basic_session<P>;
    one<P, std::uint64_t>(z, gpu, zeus_amd_power_instant_mw, &s::power_instant_mw);
    one<P, std::uint64_t>(z, gpu, zeus_amd_power_average_mw, &s::power_average_mw);
    one<P, std::uint64_t>(z, gpu, zeus_amd_memory_power_average_mw, &s::memory_power_average_mw);
    one<P, std::int32_t>(z, gpu, zeus_amd_temperature_c, &s::temperature_c);
    one<P, std::uint64_t>(z, gpu, zeus_amd_power_limit_mw, &s::power_limit_mw);
    one<P, std::uint64_t>(z, gpu, zeus_amd_power_limit_default_mw, &s::power_limit_default_mw);
    yes_or_no<P>(z, gpu, zeus_amd_energy_counter_usable, &s::energy_counter_usable);
    yes_or_no<P>(z, gpu, zeus_amd_persistence_mode, &s::persistence_mode);
    yes_or_no<P>(z, gpu, zeus_amd_supports_nonblocking_setters, &s::supports_nonblocking_setters);
    two<P, zeus_amd::power_range_mw>(z, gpu, zeus_amd_power_limit_range_mw, &s::power_limit_range_mw);
    two<P, zeus_amd::clock_range_mhz>(z, gpu, zeus_amd_memory_clock_levels_mhz, &s::memory_clock_levels_mhz);
    two<P, zeus_amd::clock_range_mhz>(z, gpu, zeus_amd_graphics_clock_levels_mhz, &s::graphics_clock_levels_mhz);
    two<P, zeus_amd::clock_range_mhz>(z, gpu, zeus_amd_memory_clock_range_mhz, &s::memory_clock_range_mhz);
    two<P, zeus_amd::clock_range_mhz>(z, gpu, zeus_amd_graphics_clock_range_mhz, &s::graphics_clock_range_mhz);

    // The counter runs, so this one lies between two of C.
    std::uint64_t before = 0, after = 0;
    const std::int32_t status = zeus_amd_energy_mj(z.get(), gpu, &before);
    const auto mj = ask<P>::template value<std::uint64_t>([&] { return z.energy_mj(gpu); });
    CHECK(mj.status == status && zeus_amd_energy_mj(z.get(), gpu, &after) == status);
    CHECK(before <= mj.value && mj.value <= after);
    zeus_amd::energy_raw raw = ZEUS_AMD_ENERGY_RAW_INIT;
    const auto ours = ask<P>::template value<zeus_amd::energy_raw>([&] { return z.energy_raw(gpu); });
    CHECK(zeus_amd_energy_raw(z.get(), gpu, &raw) == ours.status);
    if (ours.status == 0) {
        CHECK(ours.value.struct_size == sizeof raw && ours.value.accumulator <= raw.accumulator);
        CHECK(ours.value.resolution_uj >= raw.resolution_uj && ours.value.resolution_uj <= raw.resolution_uj);
    }
}

template <class P> void identity(zeus_amd::basic_session<P> &z)
{
    const auto info = must<zeus_amd::session_info>(z.info());
    CHECK(info.gpu_count == must<std::uint32_t>(z.gpu_count()) && info.gpu_count >= 2);
    for (std::uint32_t i = 0; i < info.gpu_count; ++i) {
        zeus_amd::gpu_info c = ZEUS_AMD_GPU_INFO_INIT;
        const auto gpu = must<zeus_amd::gpu_info>(z.gpu_info(i));
        CHECK(zeus_amd_gpu_info(z.get(), i, &c) == 0 && std::memcmp(&c, &gpu, sizeof c) == 0);
        CHECK(must<std::uint32_t>(z.find_by_pci(gpu.pci_address)) == i);
        CHECK(must<std::uint32_t>(z.find_by_uuid(gpu.uuid)) == i);
        readings(z, i);
    }
    const auto all = must<std::vector<zeus_amd::reading>>(z.read_all());
    CHECK(all.size() == info.gpu_count);
    for (std::uint32_t i = 0; i < info.gpu_count; ++i) {
        CHECK(all[i].gpu == i);
        std::uint64_t mj = 0, mw = 0;
        CHECK(all[i].status == zeus_amd_energy_mj(z.get(), i, &mj));
        CHECK(((all[i].valid & ZEUS_AMD_READING_VALID_ENERGY_BIT) != 0) == (all[i].status == 0) && all[i].energy_mj <= mj);
        const bool instant = zeus_amd_power_instant_mw(z.get(), i, &mw) == 0;
        CHECK(((all[i].valid & ZEUS_AMD_READING_VALID_POWER_INSTANT_BIT) != 0) == instant && all[i].power_instant_mw == mw);
    }
    zeus_amd::reading few[1];
    CHECK(ask<P>::template value<std::uint32_t>([&] { return z.read_all(few, 1); }).status ==
          ZEUS_AMD_STATUS_BUFFER_TOO_SMALL);
    readings(z, info.gpu_count); // which fails everywhere, in the same words
    char text[65536] = "";
    CHECK(zeus_amd_explain(z.get(), text, sizeof text, nullptr) == 0);
    CHECK(must<std::string>(z.explain()) == text);
}

/// Sets with one and reads with the other; needs a machine that lets one set.
template <class P> void control(zeus_amd::basic_session<P> &z)
{
    const std::uint64_t limit = must<std::uint64_t>(z.power_limit_mw(0));
    {
        auto guard = must<zeus_amd::basic_guard<P>>(z.begin_guard());
        CHECK(ask<P>::status([&] { return z.set_power_limit_mw(0, limit - 100000); }) == 0);
        CHECK(must<std::uint64_t>(z.power_limit_mw(0)) == limit - 100000);
        CHECK(ask<P>::status([&] { return z.lock_graphics_clocks_mhz(0, 600, 1200); }) == 0);
        CHECK(ask<P>::status([&] { return z.reset_graphics_clocks(0); }) == 0);
        const auto memory = must<zeus_amd::clock_range_mhz>(z.memory_clock_range_mhz(0));
        CHECK(ask<P>::status([&] { return z.lock_memory_clocks_mhz(0, memory.min, memory.max); }) == 0);
        CHECK(ask<P>::status([&] { return z.reset_memory_clocks(0); }) == 0);
        CHECK(ask<P>::status([&] { return z.reset_clocks(0); }) == 0);
        auto other = std::move(guard); // moved on, and still one guard
        CHECK(guard.get() == nullptr && other.get() != nullptr);
    }
    CHECK(must<std::uint64_t>(z.power_limit_mw(0)) == limit);
    const std::uint64_t other_limit = must<std::uint64_t>(z.power_limit_mw(1));
    auto guard = must<zeus_amd::basic_guard<P>>(z.begin_guard(ZEUS_AMD_GUARD_WATCHER_BIT));
    CHECK(ask<P>::status([&] { return z.set_power_limit_mw(1, other_limit - 50000); }) == 0);
    CHECK(ask<P>::status([&] { return guard.end(); }) == 0);
    CHECK(must<std::uint64_t>(z.power_limit_mw(1)) == other_limit);
    CHECK(ask<P>::status([&] { return z.set_power_limit_mw(1, other_limit - 50000); }) == 0);
    CHECK(ask<P>::status([&] { return z.reset_power_limit(1); }) == 0);
    CHECK(must<std::uint64_t>(z.power_limit_mw(1)) == must<std::uint64_t>(z.power_limit_default_mw(1)));
    CHECK(ask<P>::status([&] { return z.set_power_limit_mw(0, 9000000); }) == ZEUS_AMD_STATUS_OUT_OF_RANGE);
    CHECK(ask<P>::status([&] { return z.set_persistence_mode(0, true); }) == ZEUS_AMD_STATUS_NOT_SUPPORTED);
}

template <class P> void measuring(zeus_amd::basic_session<P> &z)
{
    const auto count = must<std::uint32_t>(z.gpu_count());
    const auto from = zeus_amd::boot_clock::now();
    auto outer = must<zeus_amd::basic_window<P>>(z.begin_window());
    auto sampler = must<zeus_amd::basic_sampler<P>>(z.start_sampler({10000, 5ms}));
    std::this_thread::sleep_for(400ms);
    const auto so_far = must<zeus_amd::energy>(outer.read());
    const auto total = must<zeus_amd::total_energy>(outer.read_total());
    CHECK(ask<P>::status([&] { return sampler.stop(); }) == 0);
    const auto used = must<zeus_amd::energy>(outer.end());
    const auto took = zeus_amd::boot_clock::now() - from;
    CHECK(outer.get() == nullptr);
    CHECK(used.gpus.size() == count && so_far.gpus.size() == count);
    CHECK(so_far.total.energy_mj <= total.energy_mj && total.energy_mj <= used.total.energy_mj);
    CHECK(std::chrono::nanoseconds(used.total.duration_ns) <= took);
    std::uint64_t sum = 0;
    for (const auto &gpu : used.gpus)
        sum += gpu.method == ZEUS_AMD_METHOD_NONE ? 0 : gpu.energy_mj;
    // Each one is rounded by itself.
    CHECK(sum + count >= used.total.energy_mj && sum <= used.total.energy_mj + count);

    std::uint64_t lost = 99;
    const auto samples = must<std::vector<zeus_amd::sample>>(sampler.drain(&lost));
    CHECK(lost == 0 && samples.size() >= 2);
    zeus_amd::sample none[1];
    CHECK(must<std::uint32_t>(sampler.drain(none, 1)) == 0);
    const zeus_amd::sample *first = nullptr, *last = nullptr;
    for (const auto &s : samples)
        if (s.gpu == 0)
            (first ? last : first) = &s;
    CHECK(first && last);
    if (first && last) {
        const auto a = zeus_amd::boot_clock::at(first->time_ns), b = zeus_amd::boot_clock::at(last->time_ns);
        const auto between = must<zeus_amd::gpu_energy>(sampler.energy_between(0, a, b));
        const auto by_samples = (last->energy_uj - first->energy_uj) / 1000;
        CHECK(between.energy_mj + 1 >= by_samples && between.energy_mj <= by_samples + 1);
        CHECK(ask<P>::template value<zeus_amd::gpu_energy>([&] { return sampler.energy_between(0, b, a); }).status ==
              ZEUS_AMD_STATUS_INVALID_ARGUMENT);
    }
    auto second = must<zeus_amd::basic_window<P>>(z.begin_window());
    CHECK(must<zeus_amd::total_energy>(second.end_total()).packages > 0);
    CHECK(ask<P>::template value<zeus_amd::total_energy>([&] { return second.read_total(); }).status ==
          ZEUS_AMD_STATUS_INVALID_ARGUMENT);
    auto unread = must<zeus_amd::basic_window<P>>(z.begin_window()); // ends by itself
    CHECK(unread.get() != nullptr);
}

/// Laps are parts of a window that follow each other: their times and energies add up to no more than it has.
template <class P> void laps(zeus_amd::basic_session<P> &z)
{
    auto window = must<zeus_amd::basic_window<P>>(z.begin_window());
    std::this_thread::sleep_for(100ms);
    const auto first = must<zeus_amd::energy>(window.lap());
    std::this_thread::sleep_for(100ms);
    const auto second = must<zeus_amd::total_energy>(window.lap_total());
    const auto all = must<zeus_amd::total_energy>(window.end_total());
    CHECK(first.gpus.size() == must<std::uint32_t>(z.gpu_count()));
    CHECK(first.total.energy_mj > 0 && second.energy_mj > 0);
    CHECK(first.total.duration_ns + second.duration_ns <= all.duration_ns);
    CHECK(first.total.energy_mj + second.energy_mj <= all.energy_mj + all.uncertainty_mj);
}

/// Each way of asking a window that has measured nothing is a failure with the reason in it, and no energy.
template <class P> void measures_nothing(zeus_amd::basic_session<P> &z, std::int32_t status, const char *reason)
{
    using zeus_amd::energy;
    using zeus_amd::total_energy;
    const auto fails = [&](const auto &answer) { return answer.status == status && answer.text.find(reason) != std::string::npos; };
    auto window = must<zeus_amd::basic_window<P>>(z.begin_window());
    CHECK(fails(ask<P>::template value<energy>([&] { return window.read(); })));
    CHECK(fails(ask<P>::template value<total_energy>([&] { return window.read_total(); })));
    CHECK(fails(ask<P>::template value<energy>([&] { return window.lap(); })));
    CHECK(fails(ask<P>::template value<total_energy>([&] { return window.lap_total(); })));
    CHECK(fails(ask<P>::template value<energy>([&] { return window.end(); })));
    CHECK(window.get() == nullptr);
    auto other = must<zeus_amd::basic_window<P>>(z.begin_window());
    CHECK(fails(ask<P>::template value<total_energy>([&] { return other.end_total(); })));
    CHECK(other.get() == nullptr);
}

template <class P> void nothing()
{
    using session = zeus_amd::basic_session<P>;
    zeus_amd::options masked;
    masked.validation = ZEUS_AMD_VALIDATION_OFF;
    masked.hip_visible_devices = "99";
    auto none = must<session>(session::open(masked));
    measures_nothing(none, ZEUS_AMD_STATUS_MASK_INVALID, "invalid");
    masked.hip_visible_devices = "1";
    auto one = must<session>(session::open(masked));
    if (must<zeus_amd::gpu_info>(one.gpu_info(0)).die_role == ZEUS_AMD_DIE_SECONDARY)
        measures_nothing(one, ZEUS_AMD_STATUS_NOT_SUPPORTED, "secondary die");
}

template <class P> void node(zeus_amd::basic_session<P> &z)
{
    const auto count = must<std::uint32_t>(z.node_domain_count());
    auto window = must<zeus_amd::basic_node_window<P>>(z.begin_node_window());
    zeus_amd_window_t *const gpus = must<zeus_amd_window_t *>(window.gpus());
    std::this_thread::sleep_for(100ms);
    const auto so_far = must<zeus_amd::energy_of_node>(window.read());
    zeus_amd_total_energy_t of_gpus = ZEUS_AMD_TOTAL_ENERGY_INIT;
    CHECK(zeus_amd_window_read(gpus, &of_gpus, nullptr, nullptr) == 0);
    const auto used = must<zeus_amd::energy_of_node>(window.end());
    CHECK(window.get() == nullptr && used.domains.size() == count && so_far.domains.size() == count);
    CHECK(so_far.total.energy_uj <= used.total.energy_uj && used.total.duration_ns >= of_gpus.duration_ns);
    std::uint64_t sum = 0;
    for (std::uint32_t i = 0; i < count; i++) {
        const auto info = must<zeus_amd::node_domain_info>(z.node_domain_info(i));
        CHECK(info.domain == i && std::strcmp(zeus_amd::node_domain_kind_string(info.kind), "unknown kind") != 0);
        // A GPU has readings of its own.
        const auto answer = ask<P>::template value<zeus_amd::uncertain>([&] { return z.node_energy_uj(i); });
        CHECK((answer.status == ZEUS_AMD_STATUS_NOT_SUPPORTED) == (info.kind == ZEUS_AMD_NODE_DOMAIN_GPU));
        CHECK(ask<P>::template value<zeus_amd::uncertain>([&] { return z.node_power_mw(i); }).status == answer.status);
        if (used.domains[i].flags & ZEUS_AMD_NODE_ENERGY_FLAG_IN_TOTAL_BIT)
            sum += used.domains[i].energy_uj;
    }
    CHECK(sum == used.total.energy_uj);
    using counts = zeus_amd::limit_counts;
    const auto begin = ask<P>::template value<counts>([&] { return z.limit_counts(0); });
    CHECK(begin.status == 0 || begin.status == ZEUS_AMD_STATUS_NOT_SUPPORTED);
    if (begin.status == 0) {
        const auto end = must<counts>(z.limit_counts(0));
        const auto limited = must<zeus_amd::limited_time>(z.limited_between(begin.value, end));
        CHECK(limited.cycles == end.cycles - begin.value.cycles);
    }
}

template <class P> void opening()
{
    using session = zeus_amd::basic_session<P>;
    zeus_amd::options how;
    how.amdsmi_path = "/not-there";
    how.backend = ZEUS_AMD_BACKEND_AMDSMI;
    const auto refused = ask<P>::template value<int>([&]() -> typename P::template result<int> {
        if constexpr (std::is_same_v<typename P::template result<int>, int>) {
            (void)session::open(how);
            return 0;
        } else {
            auto r = session::open(how);
            if (r)
                return 0;
            return P::template fail<int>(r.error());
        }
    });
    CHECK(refused.status == ZEUS_AMD_STATUS_LIBRARY_NOT_FOUND && refused.text.find("/not-there") != std::string::npos);
    CHECK(ask<P>::status([&] { return session::probe(how); }) == ZEUS_AMD_STATUS_LIBRARY_NOT_FOUND);
    CHECK(ask<P>::status([] { return session::probe(); }) == 0);

    zeus_amd::options masked;
    masked.hip_visible_devices = "1";
    masked.validation = ZEUS_AMD_VALIDATION_OFF;
    masked.energy_resolution = ZEUS_AMD_ENERGY_RESOLUTION_FIRMWARE;
    masked.init_timeout = 20s;
    masked.runtime_version = "7.0.2";
    static unsigned messages = 0;
    static const auto log = [](std::uint32_t level, const char *text) { messages += level <= 3 && *text ? 1u : 0u; };
    CHECK(ask<P>::status([] { return session::set_log(ZEUS_AMD_LOG_DEBUG, log); }) == 0);
    auto z = must<session>(session::open(masked));
    CHECK(ask<P>::status([] { return session::clear_log(); }) == 0);
    CHECK(messages > 0);
    CHECK(must<std::uint32_t>(z.gpu_count()) == 1);
    CHECK(must<zeus_amd::gpu_info>(z.gpu_info(0)).unmasked_index == 1);
    CHECK(must<zeus_amd::session_info>(z.info()).energy_resolution == ZEUS_AMD_ENERGY_RESOLUTION_FIRMWARE);
}

template <class P> void everything(bool may_set)
{
    opening<P>();
    auto z = must<zeus_amd::basic_session<P>>(zeus_amd::basic_session<P>::open());
    identity(z);
    measuring(z);
    laps(z);
    nothing<P>();
    node(z);
    if (may_set)
        control(z);
    auto other = std::move(z);
    CHECK(z.get() == nullptr && other.get() != nullptr);
    z = std::move(other);
    CHECK(must<std::uint32_t>(z.gpu_count()) > 0);
}

static_assert(!std::is_copy_constructible_v<zeus_amd::nothrow::session>);
static_assert(std::is_nothrow_move_constructible_v<zeus_amd::nothrow::session>);
static_assert(std::is_nothrow_move_assignable_v<zeus_amd::nothrow::window>);
static_assert(!std::is_default_constructible_v<zeus_amd::nothrow::session>);

} // namespace

int main(int argc, char **argv)
{
    const bool may_set = argc > 1 && std::strcmp(argv[1], "control") == 0;
    CHECK(zeus_amd::version() == zeus_amd_version());
    CHECK(std::strcmp(zeus_amd::version_string(), zeus_amd_version_string()) == 0);
    CHECK(std::strcmp(zeus_amd::status_string(-3), zeus_amd_status_string(-3)) == 0);
    CHECK(std::strcmp(zeus_amd::method_string(ZEUS_AMD_METHOD_COUNTER), "counter") == 0);
    CHECK(std::strcmp(zeus_amd::counter_state_string(ZEUS_AMD_COUNTER_STATE_STUCK), "stuck") == 0);
    everything<simple_results>(may_set);
    if (!std::is_same_v<nothrow_policy, simple_results>)
        everything<nothrow_policy>(may_set);
#ifdef __cpp_exceptions
    everything<zeus_amd::throwing>(may_set);
    const zeus_amd::session z; // the constructor
    CHECK(z.gpu_count() > 0);
    try {
        (void)simple_results::fail<int>(zeus_amd::error(-3)).value();
        CHECK(false);
    } catch (const std::exception &e) {
        CHECK(std::strlen(e.what()) > 0);
    }
#endif
    return failures == 0 ? 0 : 1;
}
