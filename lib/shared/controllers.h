/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cgroup controllers, one bit each, the same for both versions: blkio of version 1 is IO. */
#ifndef CT_SHARED_CONTROLLERS_H
#define CT_SHARED_CONTROLLERS_H

#define CT_CG_ANY 0u /* a counter of every cgroup, whatever it serves */
#define CT_CG_CPU 0x0001u
#define CT_CG_CPUACCT 0x0002u /* version 1 only; version 2 counts without a controller */
#define CT_CG_CPUSET 0x0004u
#define CT_CG_MEMORY 0x0008u
#define CT_CG_IO 0x0010u
#define CT_CG_PIDS 0x0020u
#define CT_CG_DEVICES 0x0040u /* version 2: a BPF program, no controller */
#define CT_CG_FREEZER 0x0080u /* version 2: part of every cgroup but the root */
#define CT_CG_HUGETLB 0x0100u
#define CT_CG_RDMA 0x0200u
#define CT_CG_MISC 0x0400u
#define CT_CG_NET_CLS 0x0800u
#define CT_CG_NET_PRIO 0x1000u
#define CT_CG_PERF 0x2000u
/* What version 2 has without any controller. */
#define CT_CG_CORE (CT_CG_DEVICES | CT_CG_FREEZER | CT_CG_CPUACCT)

#endif
