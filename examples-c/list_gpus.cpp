// The GPUs of this process, from C++: a session that closes itself.

#include <zeus_amd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>

namespace {

struct Close {
    void operator()(zeus_amd_session_t *z) const { zeus_amd_close(z); }
};
using Session = std::unique_ptr<zeus_amd_session_t, Close>;

void check(zeus_amd_status_t status)
{
    if (status == ZEUS_AMD_STATUS_OK)
        return;
    std::string text(1024, '\0');
    text.resize(std::min(zeus_amd_last_error(&text[0], text.size()), text.size() - 1));
    throw std::runtime_error(text);
}

Session open()
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    options.validation = ZEUS_AMD_VALIDATION_OFF; // nothing is measured here
    zeus_amd_session_t *z = nullptr;
    check(zeus_amd_open(&options, &z));
    return Session(z);
}

} // namespace

int main()
{
    try {
        const Session session = open();
        std::uint32_t count = 0;
        check(zeus_amd_gpu_count(session.get(), &count));
        if (count == 0) {
            std::string why(4096, '\0');
            check(zeus_amd_explain(session.get(), &why[0], why.size(), nullptr));
            std::printf("%s", why.c_str());
        }
        for (std::uint32_t i = 0; i < count; ++i) {
            zeus_amd_gpu_info_t gpu = ZEUS_AMD_GPU_INFO_INIT;
            check(zeus_amd_gpu_info(session.get(), i, &gpu));
            std::printf("cuda:%-3" PRIu32 " %-32s PCI %s, package %s, %s\n", i, gpu.name, gpu.pci_address, gpu.package,
                        gpu.uuid[0] != '\0' ? gpu.uuid : "no UUID");
        }
        return 0;
    } catch (const std::exception &e) {
        std::fprintf(stderr, "list_gpus: %s\n", e.what());
        return 1;
    }
}
