/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host vantage: cgroup hooks. connect.h has the connects and sends by address, datagram.h the
 * packets, stream.h the life of TCP connections, sweep.h and settle.h what the daemon runs once a
 * second, daemon.h what it keeps here.
 */
#include "bpf/daemon.h"
#include "bpf/connect.h"
#include "bpf/datagram.h"
#include "bpf/forget.h"
#include "bpf/settle.h"
#include "bpf/stream.h"
#include "bpf/sweep.h"

char LICENSE[] SEC("license") = "GPL";
