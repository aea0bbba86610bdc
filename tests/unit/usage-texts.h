/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Texts of cgroup files. Version 1's and those of version 2 that need no controller as
 * Linux 6.18 gave them, with some figures made unlike each other; the others by the
 * kernel's own description. */
#ifndef CT_USAGE_TEXTS_H
#define CT_USAGE_TEXTS_H

#define V1_MEMORY_STAT                                                                             \
	"cache 3059712\nrss 258048\nrss_huge 0\nshmem 0\nmapped_file 0\ndirty 8192\nwriteback 0\n" \
	"workingset_refault_anon 0\n"                                                              \
	"workingset_refault_file 3\nswap 0\nswapcached 0\npgpgin 1607\npgpgout 798\n"              \
	"pgfault 2165\npgmajfault 1\n"                                                             \
	"inactive_anon 159744\nactive_anon 4096\ninactive_file 3051520\nactive_file 8192\n"        \
	"unevictable 0\n"                                                                          \
	"hierarchical_memory_limit 9223372036854771712\n"                                          \
	"hierarchical_memsw_limit 9223372036854771712\ntotal_cache 3059712\n"                      \
	"total_rss 274432\ntotal_rss_huge 0\ntotal_shmem 0\ntotal_mapped_file 0\n"                 \
	"total_dirty 8192\ntotal_writeback 0\n"                                                    \
	"total_workingset_refault_anon 0\ntotal_workingset_refault_file 3\ntotal_swap 8192\n"      \
	"total_swapcached 0\n"                                                                     \
	"total_pgpgin 1607\ntotal_pgpgout 798\ntotal_pgfault 2165\ntotal_pgmajfault 1\n"           \
	"total_inactive_anon 159744\n"                                                             \
	"total_active_anon 4096\ntotal_inactive_file 3051520\ntotal_active_file 8192\n"            \
	"total_unevictable 0\n"
#define V1_CPU_STAT \
	"nr_periods 4\nnr_throttled 2\nthrottled_time 61234567\nnr_bursts 0\nburst_time 0\n"
#define V1_BLKIO_BYTES                                                                       \
	"8:0 Read 4194304\n8:0 Write 524288\n8:0 Sync 4718592\n8:0 Async 0\n8:0 Discard 0\n" \
	"8:0 Total 4718592\n"                                                                \
	"(unknown) Read 4096\n(unknown) Write 0\n(unknown) Sync 4096\n(unknown) Async 0\n"   \
	"(unknown) Discard 0\n(unknown) Total 4096\n"                                        \
	"Total 4722688\n"
#define V1_BLKIO_REQUESTS                                                                   \
	"8:0 Read 64\n8:0 Write 8\n8:0 Sync 72\n8:0 Async 0\n8:0 Discard 0\n8:0 Total 72\n" \
	"(unknown) Read 1\n(unknown) Write 0\n(unknown) Sync 1\n(unknown) Async 0\n"        \
	"(unknown) Discard 0\n(unknown) Total 1\nTotal 73\n"

#define V2_CPU_STAT                                                          \
	"usage_usec 23702\nuser_usec 1200\nsystem_usec 22502\nnice_usec 0\n" \
	"core_sched.force_idle_usec 0\n"                                     \
	"nr_periods 11\nnr_throttled 7\nthrottled_usec 550123\nnr_bursts 0\nburst_usec 0\n"
#define V2_CPU_PRESSURE                                          \
	"some avg10=98.76 avg60=12.34 avg300=0.05 total=55822\n" \
	"full avg10=0.00 avg60=0.00 avg300=0.00 total=55715\n"
#define V2_MEMORY_EVENTS \
	"low 0\nhigh 4\nmax 3\noom 2\noom_kill 1\noom_group_kill 0\nsock_throttled 0\n"
/* 5.15 puts devices without figures on the line of the next; a policy may have figures
 * of its own */
#define V2_IO_STAT                                                                         \
	"7:7 7:6 7:5 7:4 rbytes=28672 wbytes=0 rios=22 wios=0 dbytes=0 dios=0\n"           \
	"8:0 rbytes=90430464 wbytes=3145728 rios=299 wios=353 dbytes=50331648 dios=3021\n" \
	"8:16 cost.usage=5\n"
#define V2_MEMORY_STAT                                                                            \
	"anon 1060864\nfile 6225920\nkernel 1101824\nkernel_stack 65536\npagetables 225280\n"     \
	"sec_pagetables 0\npercpu 960\nsock 0\n"                                                  \
	"vmalloc 12288\nshmem 0\nzswap 0\nzswapped 0\nfile_mapped 3932160\nfile_dirty 0\n"        \
	"file_writeback 0\nswapcached 0\nanon_thp 0\n"                                            \
	"file_thp 0\nshmem_thp 0\ninactive_anon 1032192\nactive_anon 4096\n"                      \
	"inactive_file 3051520\nactive_file 3174400\nunevictable 0\n"                             \
	"slab_reclaimable 509840\nslab_unreclaimable 243232\nslab 753072\n"                       \
	"workingset_refault_anon 0\nworkingset_refault_file 3\n"                                  \
	"workingset_activate_anon 0\nworkingset_activate_file 0\nworkingset_restore_anon 0\n"     \
	"workingset_restore_file 0\n"                                                             \
	"workingset_nodereclaim 0\npgscan 0\npgsteal 0\npgfault 2165\npgmajfault 1\npgrefill 0\n" \
	"pgactivate 775\npgdeactivate 0\n"
#define V2_MEMORY_STAT_5_14                                                                       \
	"anon 0\nfile 0\nkernel_stack 49152\npagetables 20480\npercpu 0\nsock 0\nshmem 0\n"       \
	"file_mapped 0\nfile_dirty 0\n"                                                           \
	"file_writeback 0\nswapcached 0\nanon_thp 0\nfile_thp 0\nshmem_thp 0\ninactive_anon 0\n"  \
	"active_anon 0\ninactive_file 0\n"                                                        \
	"active_file 0\nunevictable 0\nslab_reclaimable 4000\nslab_unreclaimable 96\nslab 4096\n" \
	"workingset_refault_anon 0\n"

#endif
