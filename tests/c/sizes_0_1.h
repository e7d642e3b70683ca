/* The sizes of release 0.1. They never change after it. */
#ifndef ZEUS_AMD_TESTS_SIZES_0_1_H
#define ZEUS_AMD_TESTS_SIZES_0_1_H

#define OPTIONS_0_1 64
#define SESSION_INFO_0_1 592
#define GPU_INFO_0_1 472
#define ENERGY_RAW_0_1 48
#define READING_0_1 88
#define GPU_ENERGY_0_1 88
#define TOTAL_ENERGY_0_1 56
#define SAMPLER_OPTIONS_0_1 16
#define SAMPLE_0_1 48
#define LIMIT_COUNTS_0_1 72
#define LIMITED_TIME_0_1 72
#define NODE_DOMAIN_INFO_0_1 384
#define NODE_ENERGY_0_1 56
#define NODE_TOTAL_0_1 56

#endif
