import Reactor
import Services

/// The text of INFO, in the names that Redis has for what there is here. A name that would have nothing behind it is
/// left out, unless clients stumble without it.
struct InfoPage {
    let node: NodeContext
    let readings: [ServerReading]

    func text(of sections: [InfoSection]) -> String {
        sections.map { section in
            let lines = lines(of: section).map { "\($0.0):\($0.1)\r\n" }
            return "# \(section.title)\r\n" + lines.joined()
        }.joined(separator: "\r\n")
    }

    typealias Line = (String, String)

    private func lines(of section: InfoSection) -> [Line] {
        switch section {
        case .server: server
        case .clients: clients
        case .memory: memory
        case .persistence: persistence
        case .stats: stats
        case .replication: replication
        case .cpu: processor
        case .modules: []
        case .commandstats: commands
        case .errorstats: errors
        case .cluster: [("cluster_enabled", "0")]
        case .keyspace: keyspace
        }
    }

    func sum<Number: BinaryInteger>(_ value: (ServerReading) -> Number) -> Number {
        readings.reduce(0) { $0 + value($1) }
    }

    private var counts: CommandCounts {
        var counts = readings[0].commands
        for reading in readings.dropFirst() { counts.add(reading.commands) }
        return counts
    }
}

// MARK: - The node

extension InfoPage {
    private var server: [Line] {
        let uptime = node.uptimeSeconds
        return [
            ("redis_version", TribeVersion.redis), ("redis_git_sha1", "00000000"), ("redis_git_dirty", "0"),
            ("redis_mode", "standalone"), ("os", HostProcess.systemName), ("arch_bits", "\(Int.bitWidth)"),
            ("multiplexing_api", "epoll"), ("process_id", "\(HostProcess.identifier)"), ("run_id", runID),
            ("tcp_port", String(node.respAddress.split(separator: ":").last ?? "")),
            ("server_time_usec", "\(WallClock.microseconds)"), ("uptime_in_seconds", "\(uptime)"),
            ("uptime_in_days", "\(uptime / 86_400)"), ("hz", "10"), ("configured_hz", "10"), ("config_file", ""),
            ("io_threads_active", node.settings.loops > 1 ? "1" : "0"), ("tribe_version", TribeVersion.text),
            ("tribe_loops", "\(node.settings.loops)"), ("tribe_node", node.identity.id),
            ("tribe_http", node.httpAddress),
        ]
    }

    /// Forty hexadecimal digits, as Redis has them: those of the node's UID, and zeros.
    private var runID: String {
        let digits = node.identity.uid.text.filter(\.isHexDigit).prefix(40)
        return digits + String(repeating: "0", count: 40 - digits.count)
    }

    private var clients: [Line] {
        [
            ("connected_clients", "\(sum { $0.clients })"), ("cluster_connections", "0"),
            ("maxclients", "\(node.live.clientsMax)"), ("blocked_clients", "\(sum { $0.waiting })"),
            ("tracking_clients", "0"), ("clients_in_timeout_table", "0"),
        ]
    }

    private var memory: [Line] {
        let account = node.cache.account
        let (used, resident) = (account.used, HostProcess.residentBytes)
        let peak = max(used, readings.map(\.usedPeak).max() ?? 0)
        let dataset = sum { $0.cache.use.pages + $0.cache.use.blobs }
        let startup = sum { $0.cache.use.fixed }
        return [
            ("used_memory", "\(used)"), ("used_memory_human", NumberText.bytes(used)),
            ("used_memory_rss", "\(resident)"), ("used_memory_rss_human", NumberText.bytes(resident)),
            ("used_memory_peak", "\(peak)"), ("used_memory_peak_human", NumberText.bytes(peak)),
            ("used_memory_peak_perc", NumberText.fixed(Double(used) / Double(max(peak, 1)) * 100, 2) + "%"),
            ("used_memory_overhead", "\(max(used - dataset, 0))"), ("used_memory_startup", "\(startup)"),
            ("used_memory_dataset", "\(dataset)"),
            ("used_memory_dataset_perc", NumberText.fixed(Double(dataset) / Double(max(used, 1)) * 100, 2) + "%"),
            ("total_system_memory", "\(HostProcess.memoryLimit)"),
            ("total_system_memory_human", NumberText.bytes(HostProcess.memoryLimit)),
            ("maxmemory", "\(account.budget)"), ("maxmemory_human", NumberText.bytes(account.budget)),
            ("maxmemory_policy", node.live.eviction.redisName),
            ("mem_fragmentation_ratio", NumberText.fixed(Double(resident) / Double(max(used, 1)), 2)),
            ("mem_fragmentation_bytes", "\(resident - used)"), ("mem_allocator", "tribe"),
            ("active_defrag_running", "0"), ("lazyfree_pending_objects", "0"),
        ]
    }

    /// There is none; clients look whether one is loading.
    private var persistence: [Line] {
        [
            ("loading", "0"), ("async_loading", "0"), ("rdb_changes_since_last_save", "0"),
            ("rdb_bgsave_in_progress", "0"), ("rdb_last_save_time", "0"), ("rdb_last_bgsave_status", "ok"),
            ("rdb_last_bgsave_time_sec", "-1"), ("rdb_current_bgsave_time_sec", "-1"), ("aof_enabled", "0"),
            ("aof_rewrite_in_progress", "0"), ("aof_rewrite_scheduled", "0"), ("aof_last_rewrite_time_sec", "-1"),
            ("aof_current_rewrite_time_sec", "-1"), ("aof_last_bgrewrite_status", "ok"),
            ("aof_last_write_status", "ok"),
        ]
    }

    private var replication: [Line] {
        [
            ("role", "master"), ("connected_slaves", "0"), ("master_failover_state", "no-failover"),
            ("master_replid", runID), ("master_replid2", String(repeating: "0", count: 40)),
            ("master_repl_offset", "0"), ("second_repl_offset", "-1"), ("repl_backlog_active", "0"),
            ("repl_backlog_size", "0"), ("repl_backlog_first_byte_offset", "0"), ("repl_backlog_histlen", "0"),
        ]
    }

    private var processor: [Line] {
        let (user, system) = HostProcess.processorSeconds
        return [
            ("used_cpu_sys", NumberText.fixed(system, 6)), ("used_cpu_user", NumberText.fixed(user, 6)),
            ("used_cpu_sys_children", "0.000000"), ("used_cpu_user_children", "0.000000"),
        ]
    }
}

// MARK: - What was done

extension InfoPage {
    private var stats: [Line] {
        let counts = counts
        return [
            ("total_connections_received", "\(sum { $0.totals.accepted })"),
            ("total_commands_processed", "\(counts.calls)"),
            ("instantaneous_ops_per_sec", "\(sum { $0.commandsPerSecond })"),
            ("rejected_connections", "\(sum { $0.totals.rejected })"), ("sync_full", "0"),
            ("sync_partial_ok", "0"), ("sync_partial_err", "0"), ("expired_keys", "\(sum { $0.totals.expired })"),
            ("evicted_keys", "\(sum { $0.totals.evicted })"), ("evicted_clients", "\(sum { $0.pubsub.dropped })"),
            ("keyspace_hits", "\(sum { $0.totals.hits })"), ("keyspace_misses", "\(sum { $0.totals.misses })"),
            ("pubsub_channels", "\(sum { $0.pubsub.channels })"), ("pubsub_patterns", "\(sum { $0.pubsub.patterns })"),
            ("latest_fork_usec", "0"), ("total_forks", "0"), ("migrate_cached_sockets", "0"),
            ("tracking_total_keys", "0"), ("tracking_total_items", "0"), ("tracking_total_prefixes", "0"),
            ("unexpected_error_replies", "0"), ("total_error_replies", "\(counts.errorCount)"),
        ]
    }

    private var commands: [Line] {
        let counts = counts
        return zip(CommandTable.shared.rows, counts.rows).compactMap { command, row in
            guard !row.isEmpty else { return nil }
            let mean = row.calls == 0 ? 0 : Double(row.microseconds) / Double(row.calls)
            let value =
                "calls=\(row.calls),usec=\(row.microseconds),usec_per_call=\(NumberText.fixed(mean, 2)),"
                + "rejected_calls=\(row.rejected),failed_calls=\(row.failed)"
            return ("cmdstat_\(command.name)", value)
        }
    }

    private var errors: [Line] {
        counts.errors.sorted { $0.key < $1.key }.map { ("errorstat_\($0.key)", "count=\($0.value)") }
    }

    private var keyspace: [Line] {
        let entries = sum { $0.cache.entries }
        guard entries > 0 else { return [] }
        return [("db0", "keys=\(entries),expires=\(sum { $0.cache.expiring }),avg_ttl=0")]
    }
}
