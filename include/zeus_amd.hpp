// SPDX-License-Identifier: Apache-2.0
/**
 * @file zeus_amd.hpp
 *
 * zeus_amd.h for C++17 and later: handles that close themselves, values instead
 * of out-pointers, errors as exceptions or as results. Header only; links with the
 * C library alone.
 *
 *     zeus_amd::session z;                      // throws zeus_amd::error
 *     auto w = z.begin_window();
 *     work();
 *     auto used = w.end();
 *     std::printf("%.1f J\n", double(used.total.energy_mj) / 1e3);
 *
 * Without exceptions, in the same program or with -fno-exceptions:
 *
 *     auto z = zeus_amd::nothrow::session::open();
 *     if (!z)
 *         std::puts(z.error().what());
 *     else if (auto mw = z->power_instant_mw(0))
 *         std::printf("%.0f W\n", double(*mw) / 1e3);
 *
 * There each call returns a result<T>: std::expected<T, error> where the standard
 * library has it, else a class with its most used members.
 *
 * Methods, structs and constants have the names, units and meanings of zeus_amd.h.
 * Any thread may call any method. After fork() a child opens its own session;
 * inherited objects may go out of scope in the child.
 */
#ifndef ZEUS_AMD_HPP
#define ZEUS_AMD_HPP

#include <zeus_amd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>
#if __has_include(<version>)
#include <version>
#endif
#ifdef __cpp_lib_expected
#include <expected>
#endif

namespace zeus_amd {
// Some functions differ, and files of one program may differ in this option.
#ifdef __cpp_exceptions
inline namespace with_exceptions {
#else
inline namespace without_exceptions {
#endif

using session_info = zeus_amd_session_info_t;
using gpu_info = zeus_amd_gpu_info_t;
using energy_raw = zeus_amd_energy_raw_t;
using reading = zeus_amd_reading_t;
using gpu_energy = zeus_amd_gpu_energy_t;
using total_energy = zeus_amd_total_energy_t;
using sample = zeus_amd_sample_t;
using guard_info = zeus_amd_guard_info_t;
using limit_counts = zeus_amd_limit_counts_t;
using limited_time = zeus_amd_limited_time_t;
using node_domain_info = zeus_amd_node_domain_info_t;
using node_energy = zeus_amd_node_energy_t;
using node_total = zeus_amd_node_total_t;

/// A failure: a status and its message.
class error : public std::exception {
public:
    /// The last failure of this thread.
    explicit error(std::int32_t status) : status_(status), text_(zeus_amd_last_error(nullptr, 0) + 1, '\0')
    {
        (void)zeus_amd_last_error(&text_[0], text_.size());
        text_.pop_back();
    }
    /// A zeus_amd_status_t, or a value of a newer library.
    std::int32_t status() const noexcept { return status_; }
    const char *what() const noexcept override { return text_.c_str(); }

private:
    std::int32_t status_;
    std::string text_;
};

/// A value or an error, with the names of std::expected.
template <class T> class simple_result {
public:
    using value_type = T;
    simple_result(T value) : either_(std::in_place_index<0>, std::move(value)) {}
    simple_result(zeus_amd::error e) : either_(std::in_place_index<1>, std::move(e)) {}
    bool has_value() const noexcept { return either_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }
    T &operator*() & noexcept { return *std::get_if<0>(&either_); }
    const T &operator*() const & noexcept { return *std::get_if<0>(&either_); }
    T &&operator*() && noexcept { return std::move(*std::get_if<0>(&either_)); }
    T *operator->() noexcept { return std::get_if<0>(&either_); }
    const T *operator->() const noexcept { return std::get_if<0>(&either_); }
    const zeus_amd::error &error() const noexcept { return *std::get_if<1>(&either_); }
    template <class U> T value_or(U &&other) const & { return has_value() ? **this : T(std::forward<U>(other)); }
    /// Throws the error; without exceptions, aborts.
    T &value() & { return check(), **this; }
    const T &value() const & { return check(), **this; }
    T &&value() && { return check(), std::move(**this); }

private:
    void check() const
    {
        if (!has_value()) {
#ifdef __cpp_exceptions
            throw error();
#else
            std::abort();
#endif
        }
    }
    std::variant<T, zeus_amd::error> either_;
};

template <> class simple_result<void> {
public:
    using value_type = void;
    simple_result() = default;
    simple_result(zeus_amd::error e) : error_(std::move(e)) {}
    bool has_value() const noexcept { return !error_; }
    explicit operator bool() const noexcept { return has_value(); }
    const zeus_amd::error &error() const noexcept { return *error_; }
    /// Throws the error; without exceptions, aborts.
    void value() const
    {
        if (error_) {
#ifdef __cpp_exceptions
            throw *error_;
#else
            std::abort();
#endif
        }
    }

private:
    std::optional<zeus_amd::error> error_{};
};

/// How calls fail. Each is a type of its own, so that files of one program may
/// differ in standard.
struct simple_results {
    template <class T> using result = simple_result<T>;
    template <class T> static simple_result<T> fail(error e) { return simple_result<T>(std::move(e)); }
};
#ifdef __cpp_lib_expected
struct expected_results {
    template <class T> using result = std::expected<T, zeus_amd::error>;
    template <class T> static result<T> fail(error e) { return std::unexpected(std::move(e)); }
};
using nothrow_policy = expected_results;
#else
using nothrow_policy = simple_results;
#endif
#ifdef __cpp_exceptions
struct throwing {
    template <class T> using result = T;
    template <class T> [[noreturn]] static T fail(error e) { throw e; }
};
#endif

/// CLOCK_BOOTTIME: the clock of samples, windows and the driver's timestamps.
struct boot_clock {
    using rep = std::int64_t;
    using period = std::nano;
    using duration = std::chrono::nanoseconds;
    using time_point = std::chrono::time_point<boot_clock>;
    static constexpr bool is_steady = true;
    static time_point now() noexcept { return at(zeus_amd_now_ns()); }
    /// Of a field such as begin_ns or time_ns.
    static constexpr time_point at(std::uint64_t ns) noexcept { return time_point(duration(static_cast<rep>(ns))); }
    static constexpr std::uint64_t ns(time_point t) noexcept
    {
        return static_cast<std::uint64_t>(t.time_since_epoch().count());
    }
};

/// How to open a session. If any of the masks is given, even an empty one, the masks
/// of the environment are not used.
struct options {
    std::uint32_t flags = 0; // ZEUS_AMD_OPEN_..._BIT
    zeus_amd_backend_t backend = ZEUS_AMD_BACKEND_AUTO;
    zeus_amd_validation_t validation = ZEUS_AMD_VALIDATION_DEFAULT;
    zeus_amd_energy_resolution_t energy_resolution = ZEUS_AMD_ENERGY_RESOLUTION_DEFAULT;
    std::chrono::duration<std::uint32_t, std::milli> init_timeout{0}; // 0: 10 seconds
    std::optional<std::string> amdsmi_path{};
    std::optional<std::string> runtime_version{}; // a ROCm release such as "6.4.1"
    std::optional<std::string> rocr_visible_devices{};
    std::optional<std::string> hip_visible_devices{};
    std::optional<std::string> cuda_visible_devices{};

    /// The C struct, which points into this one.
    zeus_amd_options_t c() const noexcept
    {
        const auto text = [](const std::optional<std::string> &t) { return t ? t->c_str() : nullptr; };
        zeus_amd_options_t o = ZEUS_AMD_OPTIONS_INIT;
        const bool masks = rocr_visible_devices || hip_visible_devices || cuda_visible_devices;
        o.flags = flags | (masks ? std::uint32_t{ZEUS_AMD_OPEN_EXPLICIT_MASKS_BIT} : 0u);
        o.backend = backend;
        o.validation = validation;
        o.energy_resolution = energy_resolution;
        o.init_timeout_ms = init_timeout.count();
        o.amdsmi_path = text(amdsmi_path);
        o.runtime_version = text(runtime_version);
        o.rocr_visible_devices = text(rocr_visible_devices);
        o.hip_visible_devices = text(hip_visible_devices);
        o.cuda_visible_devices = text(cuda_visible_devices);
        return o;
    }
};

/// How to sample; zero is the default.
struct sampler_options {
    std::uint32_t capacity = 0;
    std::chrono::duration<std::uint64_t, std::nano> period{0};
};

template <class T> struct range {
    T min, max;
};
using power_range_mw = range<std::uint64_t>;
using clock_range_mhz = range<std::uint32_t>;

/// The energy of a window: in total, and of each GPU in the order of indices.
struct energy {
    total_energy total;
    std::vector<gpu_energy> gpus;
};

/// The energy of a node's window: in total, and of each domain in the order of
/// indices.
struct energy_of_node {
    node_total total;
    std::vector<node_energy> domains;
};

/// A value and the upper limit of its error.
struct uncertain {
    std::uint64_t value, uncertainty;
};

inline std::uint32_t version() noexcept { return zeus_amd_version(); }
inline const char *version_string() noexcept { return zeus_amd_version_string(); }
inline const char *status_string(std::int32_t status) noexcept { return zeus_amd_status_string(status); }
inline const char *method_string(std::uint32_t method) noexcept { return zeus_amd_method_string(method); }
inline const char *node_domain_kind_string(std::uint32_t kind) noexcept { return zeus_amd_node_domain_kind_string(kind); }
inline const char *counter_state_string(std::uint32_t state) noexcept { return zeus_amd_counter_state_string(state); }

namespace detail {

inline void close(zeus_amd_session_t *z) noexcept { zeus_amd_close(z); }
inline void free(zeus_amd_sampler_t *s) noexcept { zeus_amd_sampler_free(s); }
inline void end(zeus_amd_window_t *w) noexcept { (void)!zeus_amd_window_end(w, nullptr, nullptr, nullptr); }
inline void end(zeus_amd_node_window_t *w) noexcept { (void)!zeus_amd_node_window_end(w, nullptr, nullptr, nullptr); }
inline void end(zeus_amd_guard_t *g) noexcept { (void)!zeus_amd_guard_end(g); }

template <class T, void (*End)(T *) noexcept> struct ender {
    void operator()(T *t) const noexcept { End(t); }
};
template <class T, void (*End)(T *) noexcept> using handle = std::unique_ptr<T, ender<T, End>>;
static_assert(sizeof(handle<zeus_amd_session_t, close>) == sizeof(void *), "a handle is no larger than C's");

template <class P, class T> using result = typename P::template result<T>;

template <class P> result<P, void> done(std::int32_t status)
{
    if (status != ZEUS_AMD_STATUS_OK)
        return P::template fail<void>(error(status));
    return result<P, void>();
}

template <class P, class T> result<P, T> done(std::int32_t status, T value)
{
    if (status != ZEUS_AMD_STATUS_OK)
        return P::template fail<T>(error(status));
    return result<P, T>(std::move(value));
}

template <class T> T make() noexcept
{
    T value{};
    if constexpr (std::is_class_v<T>)
        value.struct_size = static_cast<std::uint32_t>(sizeof value);
    return value;
}

/// A call whose last argument receives a value.
template <class P, class T, class F, class... A> result<P, T> get(F *call, A... arguments)
{
    T value = make<T>();
    const std::int32_t status = call(arguments..., &value);
    return done<P, T>(status, value);
}

template <class P, class T, class F> result<P, range<T>> get_range(F *call, const zeus_amd_session_t *z, std::uint32_t gpu)
{
    range<T> value{};
    const std::int32_t status = call(z, gpu, &value.min, &value.max);
    return done<P>(status, value);
}

/// zeus_amd_window_read, _lap or _end, with room for all GPUs.
template <class F, class W> std::int32_t ask(F *call, W *window, energy &into)
{
    std::uint32_t count = 16;
    std::int32_t status = ZEUS_AMD_STATUS_OK;
    do {
        into = {make<total_energy>(), std::vector<gpu_energy>(count, make<gpu_energy>())};
        status = call(window, &into.total, into.gpus.data(), &count);
    } while (status == ZEUS_AMD_STATUS_BUFFER_TOO_SMALL);
    into.gpus.resize(status == ZEUS_AMD_STATUS_OK ? count : 0);
    return status;
}

/// zeus_amd_node_window_read or _end, with room for all domains.
template <class F, class W> std::int32_t ask_node(F *call, W *window, energy_of_node &into)
{
    std::uint32_t count = 32;
    std::int32_t status = ZEUS_AMD_STATUS_OK;
    do {
        into = {make<node_total>(), std::vector<node_energy>(count, make<node_energy>())};
        status = call(window, &into.total, into.domains.data(), &count);
    } while (status == ZEUS_AMD_STATUS_BUFFER_TOO_SMALL);
    into.domains.resize(status == ZEUS_AMD_STATUS_OK ? count : 0);
    return status;
}

} // namespace detail

/// A window, from basic_session::begin_window(). Going out of scope ends it without
/// a result. get() is for zeus_amd_window_read() into the caller's memory.
template <class P> class basic_window {
public:
    explicit basic_window(zeus_amd_window_t *w) noexcept : handle_(w) {}
    zeus_amd_window_t *get() const noexcept { return handle_.get(); }

    /// The energy up to now; the window stays open.
    detail::result<P, energy> read() const
    {
        energy used{};
        const std::int32_t status = detail::ask(zeus_amd_window_read, get(), used);
        return detail::done<P>(status, std::move(used));
    }
    /// The total alone; allocates nothing.
    detail::result<P, total_energy> read_total() const
    {
        auto total = detail::make<total_energy>();
        const std::int32_t status = zeus_amd_window_read(get(), &total, nullptr, nullptr);
        return detail::done<P>(status, total);
    }
    /// The energy since the last lap, or since the start; the window stays open.
    detail::result<P, energy> lap()
    {
        energy used{};
        const std::int32_t status = detail::ask(zeus_amd_window_lap, get(), used);
        return detail::done<P>(status, std::move(used));
    }
    /// The total alone; allocates nothing.
    detail::result<P, total_energy> lap_total()
    {
        auto total = detail::make<total_energy>();
        const std::int32_t status = zeus_amd_window_lap(get(), &total, nullptr, nullptr);
        return detail::done<P>(status, total);
    }
    /// As if the window had been ended and begun; allocates nothing.
    detail::result<P, void> restart()
    {
        return detail::done<P>(zeus_amd_window_restart(get()));
    }
    detail::result<P, energy> end()
    {
        energy used{};
        const std::int32_t status = detail::ask(zeus_amd_window_end, get(), used);
        forget(status);
        return detail::done<P>(status, std::move(used));
    }
    detail::result<P, total_energy> end_total()
    {
        auto total = detail::make<total_energy>();
        const std::int32_t status = zeus_amd_window_end(get(), &total, nullptr, nullptr);
        forget(status);
        return detail::done<P>(status, total);
    }

private:
    /// A call that refuses its arguments has not ended the window.
    void forget(std::int32_t status) noexcept
    {
        if (status != ZEUS_AMD_STATUS_INVALID_ARGUMENT && status != ZEUS_AMD_STATUS_STRUCT_VERSION)
            (void)handle_.release();
    }
    detail::handle<zeus_amd_window_t, detail::end> handle_;
};

/// A window over the node and its GPUs, from basic_session::begin_node_window().
/// Going out of scope ends it without a result.
template <class P> class basic_node_window {
public:
    explicit basic_node_window(zeus_amd_node_window_t *w) noexcept : handle_(w) {}
    zeus_amd_node_window_t *get() const noexcept { return handle_.get(); }

    /// The window of the GPUs in it, for zeus_amd_window_read() and _lap().
    detail::result<P, zeus_amd_window_t *> gpus() const
    {
        return detail::get<P, zeus_amd_window_t *>(zeus_amd_node_window_gpus, get());
    }
    /// The energy up to now; the window stays open.
    detail::result<P, energy_of_node> read() const
    {
        energy_of_node used{};
        const std::int32_t status = detail::ask_node(zeus_amd_node_window_read, get(), used);
        return detail::done<P>(status, std::move(used));
    }
    detail::result<P, energy_of_node> end()
    {
        energy_of_node used{};
        const std::int32_t status = detail::ask_node(zeus_amd_node_window_end, get(), used);
        // A call that refuses its arguments has not ended the window.
        if (status != ZEUS_AMD_STATUS_INVALID_ARGUMENT && status != ZEUS_AMD_STATUS_STRUCT_VERSION)
            (void)handle_.release();
        return detail::done<P>(status, std::move(used));
    }

private:
    detail::handle<zeus_amd_node_window_t, detail::end> handle_;
};

/// Restores settings when it goes out of scope.
template <class P> class basic_guard {
public:
    explicit basic_guard(zeus_amd_guard_t *g) noexcept : handle_(g) {}
    zeus_amd_guard_t *get() const noexcept { return handle_.get(); }
    /// What it restores on a GPU.
    detail::result<P, guard_info> info(std::uint32_t gpu) const
    {
        return detail::get<P, guard_info>(zeus_amd_guard_info, get(), gpu);
    }
    /// Restores them now, and reports a failure, after which it may be called again.
    detail::result<P, void> end()
    {
        const std::int32_t status = zeus_amd_guard_end(get());
        if (status == ZEUS_AMD_STATUS_OK)
            (void)handle_.release();
        return detail::done<P>(status);
    }

private:
    detail::handle<zeus_amd_guard_t, detail::end> handle_;
};

/// Samples in the background until stop() or the end of its scope.
template <class P> class basic_sampler {
public:
    explicit basic_sampler(zeus_amd_sampler_t *s) noexcept : handle_(s) {}
    zeus_amd_sampler_t *get() const noexcept { return handle_.get(); }
    /// The samples stay.
    detail::result<P, void> stop() { return detail::done<P>(zeus_amd_sampler_stop(get())); }

    /// The samples that wait; *lost receives how many were overwritten before.
    detail::result<P, std::vector<sample>> drain(std::uint64_t *lost = nullptr)
    {
        std::vector<sample> all;
        std::uint32_t count = 0;
        std::int32_t status = zeus_amd_sampler_drain(get(), nullptr, &count, lost);
        // Without room it would be asked once more how many wait.
        if (status == ZEUS_AMD_STATUS_OK && count > 0) {
            all.assign(count, detail::make<sample>());
            status = zeus_amd_sampler_drain(get(), all.data(), &count, lost);
            all.resize(status == ZEUS_AMD_STATUS_OK ? count : 0);
        }
        return detail::done<P>(status, std::move(all));
    }
    /// Into the caller's memory; returns how many there were.
    detail::result<P, std::uint32_t> drain(sample *to, std::uint32_t room, std::uint64_t *lost = nullptr)
    {
        if (room > 0)
            to->struct_size = static_cast<std::uint32_t>(sizeof *to);
        const std::int32_t status = zeus_amd_sampler_drain(get(), to, &room, lost);
        return detail::done<P>(status, room);
    }
    detail::result<P, gpu_energy> energy_between(std::uint32_t gpu, boot_clock::time_point from,
                                                 boot_clock::time_point to) const
    {
        return detail::get<P, gpu_energy>(zeus_amd_sampler_energy_between, get(), gpu, boot_clock::ns(from),
                                          boot_clock::ns(to));
    }

private:
    detail::handle<zeus_amd_sampler_t, detail::free> handle_;
};

/// The GPUs of this process, index 0 to gpu_count() - 1, as HIP numbers them.
template <class P> class basic_session {
    template <class T> using result = detail::result<P, T>;
    using u32 = std::uint32_t;
    using u64 = std::uint64_t;

public:
    static result<basic_session> open(const options &how = {})
    {
        zeus_amd_session_t *z = nullptr;
        const zeus_amd_options_t c = how.c();
        const std::int32_t status = zeus_amd_open(&c, &z);
        return detail::done<P>(status, basic_session(z));
    }
    /// Opens; throws on failure.
    template <class Q = P, class = std::enable_if_t<std::is_same_v<detail::result<Q, int>, int>>>
    explicit basic_session(const options &how = {}) : basic_session(basic_session<Q>::open(how))
    {
    }
    explicit basic_session(zeus_amd_session_t *z) noexcept : handle_(z) {}
    zeus_amd_session_t *get() const noexcept { return handle_.get(); }

    /// Can a session be opened? Loads and initialises nothing.
    static result<void> probe(const options &how = {})
    {
        const zeus_amd_options_t c = how.c();
        return detail::done<P>(zeus_amd_probe(&c));
    }
    /// Messages of the process go to callback(level, text), from any thread. It is held
    /// by reference and must live as long as the process.
    template <class F> static result<void> set_log(u32 level, F &callback)
    {
        const zeus_amd_log_fn call = [](std::uint32_t l, const char *text, void *user) {
#ifdef __cpp_exceptions
            try {
                (*static_cast<F *>(user))(l, text);
            } catch (...) { // must not unwind into the library
            }
#else
            (*static_cast<F *>(user))(l, text);
#endif
        };
        void *user = const_cast<void *>(static_cast<const void *>(&callback)); // F is const again in there
        return detail::done<P>(zeus_amd_set_log(call, level, user));
    }
    static result<void> clear_log() { return detail::done<P>(zeus_amd_set_log(nullptr, ZEUS_AMD_LOG_ERROR, nullptr)); }

    // Which GPU.
    result<zeus_amd::session_info> info() const { return get_<zeus_amd::session_info>(zeus_amd_session_info); }
    result<u32> gpu_count() const { return get_<u32>(zeus_amd_gpu_count); }
    result<zeus_amd::gpu_info> gpu_info(u32 gpu) const { return get_<zeus_amd::gpu_info>(zeus_amd_gpu_info, gpu); }
    result<u32> find_by_pci(const char *pci_address) const { return get_<u32>(zeus_amd_find_by_pci, pci_address); }
    result<u32> find_by_uuid(const char *uuid) const { return get_<u32>(zeus_amd_find_by_uuid, uuid); }
    /// How environment and topology led to this list, for people.
    result<std::string> explain() const
    {
        std::string text;
        std::size_t needed = 0;
        std::int32_t status = zeus_amd_explain(get(), nullptr, 0, &needed);
        if (status == ZEUS_AMD_STATUS_OK) {
            text.resize(needed + 1);
            status = zeus_amd_explain(get(), &text[0], text.size(), nullptr);
            text.pop_back();
        }
        return detail::done<P>(status, std::move(text));
    }

    // Readings.
    // Made from zeus_amd.h by ZEUS_AMD_BLESS=1 cargo test header:: (numbers of one GPU)
    result<u64> power_instant_mw(u32 gpu) const { return get_<u64>(zeus_amd_power_instant_mw, gpu); }
    result<u64> power_average_mw(u32 gpu) const { return get_<u64>(zeus_amd_power_average_mw, gpu); }
    result<u64> energy_mj(u32 gpu) const { return get_<u64>(zeus_amd_energy_mj, gpu); }
    result<bool> energy_counter_usable(u32 gpu) const { return get_bool(zeus_amd_energy_counter_usable, gpu); }
    result<std::int32_t> temperature_c(u32 gpu) const { return get_<std::int32_t>(zeus_amd_temperature_c, gpu); }
    result<u64> power_limit_mw(u32 gpu) const { return get_<u64>(zeus_amd_power_limit_mw, gpu); }
    result<u64> power_limit_default_mw(u32 gpu) const { return get_<u64>(zeus_amd_power_limit_default_mw, gpu); }
    result<power_range_mw> power_limit_range_mw(u32 gpu) const
    {
        return detail::get_range<P, u64>(zeus_amd_power_limit_range_mw, get(), gpu);
    }
    result<clock_range_mhz> memory_clock_levels_mhz(u32 gpu) const
    {
        return detail::get_range<P, u32>(zeus_amd_memory_clock_levels_mhz, get(), gpu);
    }
    result<clock_range_mhz> graphics_clock_levels_mhz(u32 gpu) const
    {
        return detail::get_range<P, u32>(zeus_amd_graphics_clock_levels_mhz, get(), gpu);
    }
    result<clock_range_mhz> memory_clock_range_mhz(u32 gpu) const
    {
        return detail::get_range<P, u32>(zeus_amd_memory_clock_range_mhz, get(), gpu);
    }
    result<clock_range_mhz> graphics_clock_range_mhz(u32 gpu) const
    {
        return detail::get_range<P, u32>(zeus_amd_graphics_clock_range_mhz, get(), gpu);
    }
    result<u64> memory_power_average_mw(u32 gpu) const { return get_<u64>(zeus_amd_memory_power_average_mw, gpu); }
    result<bool> persistence_mode(u32 gpu) const { return get_bool(zeus_amd_persistence_mode, gpu); }
    result<bool> supports_nonblocking_setters(u32 gpu) const
    {
        return get_bool(zeus_amd_supports_nonblocking_setters, gpu);
    }
    // End of what is made
    result<zeus_amd::energy_raw> energy_raw(u32 gpu) const
    {
        return get_<zeus_amd::energy_raw>(zeus_amd_energy_raw, gpu);
    }
    /// Readings of all GPUs; `valid` says which values there are.
    result<std::vector<reading>> read_all() const
    {
        std::vector<reading> all;
        u32 count = 16;
        std::int32_t status = ZEUS_AMD_STATUS_OK;
        do {
            all.assign(count, detail::make<reading>());
            status = zeus_amd_read_all(get(), all.data(), &count);
        } while (status == ZEUS_AMD_STATUS_BUFFER_TOO_SMALL);
        all.resize(status == ZEUS_AMD_STATUS_OK ? count : 0);
        return detail::done<P>(status, std::move(all));
    }
    /// Into the caller's memory; returns the number of GPUs.
    result<u32> read_all(reading *to, u32 room) const
    {
        if (room > 0)
            to->struct_size = static_cast<u32>(sizeof *to);
        const std::int32_t status = zeus_amd_read_all(get(), to, &room);
        return detail::done<P>(status, room);
    }

    /// For how long a limit held the clocks down: read at the start and at the end of
    /// a time.
    result<zeus_amd::limit_counts> limit_counts(u32 gpu) const
    {
        return get_<zeus_amd::limit_counts>(zeus_amd_limit_counts, gpu);
    }
    static result<limited_time> limited_between(const zeus_amd::limit_counts &begin, const zeus_amd::limit_counts &end)
    {
        return detail::get<P, limited_time>(zeus_amd_limited_time, &begin, &end);
    }

    // The node.
    result<u32> node_domain_count() const { return get_<u32>(zeus_amd_node_domain_count); }
    result<zeus_amd::node_domain_info> node_domain_info(u32 domain) const
    {
        return get_<zeus_amd::node_domain_info>(zeus_amd_node_domain_info, domain);
    }
    result<uncertain> node_energy_uj(u32 domain) const { return get_uncertain(zeus_amd_node_energy_uj, domain); }
    result<uncertain> node_power_mw(u32 domain) const { return get_uncertain(zeus_amd_node_power_mw, domain); }

    // Control.
    result<void> set_power_limit_mw(u32 gpu, u64 limit_mw) const
    {
        return do_(zeus_amd_set_power_limit_mw, gpu, limit_mw);
    }
    result<void> reset_power_limit(u32 gpu) const { return do_(zeus_amd_reset_power_limit, gpu); }
    result<void> set_persistence_mode(u32 gpu, bool enabled) const
    {
        return do_(zeus_amd_set_persistence_mode, gpu, enabled ? 1u : 0u);
    }
    result<void> lock_memory_clocks_mhz(u32 gpu, u32 min_mhz, u32 max_mhz) const
    {
        return do_(zeus_amd_lock_memory_clocks_mhz, gpu, min_mhz, max_mhz);
    }
    result<void> lock_graphics_clocks_mhz(u32 gpu, u32 min_mhz, u32 max_mhz) const
    {
        return do_(zeus_amd_lock_graphics_clocks_mhz, gpu, min_mhz, max_mhz);
    }
    result<void> reset_memory_clocks(u32 gpu) const { return do_(zeus_amd_reset_memory_clocks, gpu); }
    result<void> reset_graphics_clocks(u32 gpu) const { return do_(zeus_amd_reset_graphics_clocks, gpu); }
    result<void> reset_clocks(u32 gpu) const { return do_(zeus_amd_reset_clocks, gpu); }

    // Windows, guards, samplers.
    result<basic_window<P>> begin_window() const
    {
        zeus_amd_window_t *w = nullptr;
        const std::int32_t status = zeus_amd_window_begin(get(), &w);
        return detail::done<P>(status, basic_window<P>(w));
    }
    result<basic_node_window<P>> begin_node_window() const
    {
        zeus_amd_node_window_t *w = nullptr;
        const std::int32_t status = zeus_amd_node_window_begin(get(), &w);
        return detail::done<P>(status, basic_node_window<P>(w));
    }
    /// flags: 0 or ZEUS_AMD_GUARD_WATCHER_BIT
    result<basic_guard<P>> begin_guard(u32 flags = 0) const
    {
        zeus_amd_guard_t *g = nullptr;
        const std::int32_t status = zeus_amd_guard_begin(get(), flags, &g);
        return detail::done<P>(status, basic_guard<P>(g));
    }
    result<basic_sampler<P>> start_sampler(const sampler_options &how = {}) const
    {
        zeus_amd_sampler_options_t c = ZEUS_AMD_SAMPLER_OPTIONS_INIT;
        c.capacity = how.capacity;
        c.period_ns = how.period.count();
        zeus_amd_sampler_t *s = nullptr;
        const std::int32_t status = zeus_amd_sampler_start(get(), &c, &s);
        return detail::done<P>(status, basic_sampler<P>(s));
    }

private:
    template <class T, class F, class... A> result<T> get_(F *call, A... arguments) const
    {
        return detail::get<P, T>(call, get(), arguments...);
    }
    template <class F, class... A> result<void> do_(F *call, A... arguments) const
    {
        return detail::done<P>(call(get(), arguments...));
    }
    template <class F> result<uncertain> get_uncertain(F *call, u32 domain) const
    {
        uncertain read{};
        const std::int32_t status = call(get(), domain, &read.value, &read.uncertainty);
        return detail::done<P>(status, read);
    }
    template <class F> result<bool> get_bool(F *call, u32 gpu) const
    {
        u32 value = 0;
        const std::int32_t status = call(get(), gpu, &value);
        return detail::done<P>(status, value != 0);
    }
    detail::handle<zeus_amd_session_t, detail::close> handle_;
};

namespace nothrow {
using session = basic_session<nothrow_policy>;
using window = basic_window<nothrow_policy>;
using node_window = basic_node_window<nothrow_policy>;
using guard = basic_guard<nothrow_policy>;
using sampler = basic_sampler<nothrow_policy>;
template <class T> using result = nothrow_policy::result<T>;
static_assert(sizeof(session) == sizeof(void *) && sizeof(window) == sizeof(void *) &&
                  sizeof(guard) == sizeof(void *) && sizeof(sampler) == sizeof(void *),
              "a handle is no larger than C's");
} // namespace nothrow

#ifdef __cpp_exceptions
using session = basic_session<throwing>;
using window = basic_window<throwing>;
using node_window = basic_node_window<throwing>;
using guard = basic_guard<throwing>;
using sampler = basic_sampler<throwing>;
#endif

} // inline namespace
} // namespace zeus_amd

#endif
