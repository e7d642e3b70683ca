#!/usr/bin/env bash
# Prometheus' node_exporter 1.5.0 (Debian 12) exports what an AMD GPU does not have as 0: its use, its memory.
#
# The drm collector reads files of amdgpu's sysfs. Which of them are there depends on the GPU, the driver and on virtual functions, and
# a file may not be readable for a while. A missing one leaves the field at 0 and the field is exported all the same: a GPU whose
# gpu_busy_percent is missing is one that idles, and one without mem_info_vram_used has empty memory. The collector's success is 1.
# Seen, of two GPUs of which the second has neither file: 90 % and 0 %, 1000 bytes and 0 bytes.
. "$(dirname "$0")/lib.sh"
need curl python3
debian prometheus-node-exporter=1.5.0-1+b6
for card in card0 card1; do
    device=sys/class/drm/$card/device
    mkdir -p "$device"
    printf 'DRIVER=amdgpu\nPCI_ID=1002:740F\n' >$device/uevent
    for file in gtt_total gtt_used vis_vram_total vis_vram_used vram_total vram_used; do echo 1000 >$device/mem_info_$file; done
    echo 90 >$device/gpu_busy_percent
    echo auto >$device/power_dpm_force_performance_level
done
both() { node_exporter drm 'drm_\(gpu_busy\|memory_vram_used\)\|^node_scrape_collector_success'; }
check "both have the files" 'node_drm_gpu_busy_percent{card="card0"} 90
node_drm_gpu_busy_percent{card="card1"} 90
node_drm_memory_vram_used_bytes{card="card0"} 1000
node_drm_memory_vram_used_bytes{card="card1"} 1000
node_scrape_collector_success{collector="drm"} 1' both
rm sys/class/drm/card1/device/{gpu_busy_percent,mem_info_vram_used}
check "the second has not" 'node_drm_gpu_busy_percent{card="card0"} 90
node_drm_gpu_busy_percent{card="card1"} 0
node_drm_memory_vram_used_bytes{card="card0"} 1000
node_drm_memory_vram_used_bytes{card="card1"} 0
node_scrape_collector_success{collector="drm"} 1' both
