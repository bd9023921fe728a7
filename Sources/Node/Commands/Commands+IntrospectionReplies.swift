import Reactor

extension Command {
    /// As COMMAND INFO describes it: ten fields.
    var description: Reply {
        return .array([
            .text(name), .integer(arity), .set(flags.names.map { .status($0) }), .integer(keys.first),
            .integer(keys.last),
            .integer(keys.step), .set(categories.map { .status($0) }), .set([]),
            .set(KeyUse.of(self).map(\.description)),
            subcommands.isEmpty ? .set([]) : .array(subcommands.map(\.description)),
        ])
    }

    /// As COMMAND DOCS documents it: its name and a map.
    var documentation: [Reply] {
        var fields: [Reply] = [
            .text("summary"), .text(summary), .text("since"), .text(since), .text("group"), .text(group.rawValue),
            .text("complexity"), .text(complexity),
        ]
        if !subcommands.isEmpty { fields += [.text("subcommands"), .map(subcommands.flatMap(\.documentation))] }
        return [.text(name), .map(fields)]
    }
}

extension KeyUse {
    /// Where the keys begin and how they go on.
    fileprivate var description: Reply {
        let last = keys.last < 0 ? keys.last : keys.last - keys.first
        return .map([
            .text("flags"), .set(flags.map { .status($0) }),
            .text("begin_search"),
            .map([.text("type"), .text("index"), .text("spec"), .map([.text("index"), .integer(keys.first)])]),
            .text("find_keys"),
            .map([
                .text("type"), .text("range"), .text("spec"),
                .map([
                    .text("lastkey"), .integer(last), .text("keystep"), .integer(keys.step), .text("limit"),
                    .integer(0),
                ]),
            ]),
        ])
    }
}
