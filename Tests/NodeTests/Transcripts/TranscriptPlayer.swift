import Reactor
import Services

@testable import Node

/// Plays a transcript on a keyspace without a network. On the loop of its executor, whose time stands still meanwhile.
struct TranscriptPlayer {
    private let transcript: Transcript
    private let version: RESPVersion
    private let executor: CommandExecutor
    private let loop: EventLoop

    /// The replies to all commands on the entries of one loop, which are removed before and afterwards.
    static func playOnShard(_ transcript: Transcript, _ version: RESPVersion) -> [[String]] {
        let loop = TestNode.forTranscripts.context.group.loops[0]
        return loop.wait {
            let player = TranscriptPlayer(transcript, version, loop)
            let keys = player.executor.keyspace
            for key in player.keys { _ = keys.remove(key.span) }
            defer { for key in player.keys { _ = keys.remove(key.span) } }
            return transcript.commands.map { player.reply($0, keys) }
        }
    }

    /// The replies to all commands on copies of the entries of several loops.
    static func playOnCopies(_ transcript: Transcript, _ version: RESPVersion) -> [[String]] {
        let loop = TestNode.forTranscripts.context.group.loops[0]
        return loop.wait {
            let player = TranscriptPlayer(transcript, version, loop)
            let cache = player.executor.node.cache
            var keys = GatheredKeyspace(now: loop.now, in: cache, entries: player.keys.map { ($0, nil) })
            var replies: [[String]] = []
            for line in transcript.lines {
                switch line {
                case .prose: break
                case .command(let line): replies.append(player.reply(line, keys))
                case .pause(_, let time):
                    let now = keys.now + time
                    let entries = player.keys.map { key in (key, keys.copy(of: key.span)?.fresh(at: now)) }
                    keys = GatheredKeyspace(now: now, in: cache, entries: entries)
                }
            }
            return replies
        }
    }

    /// Whether every command that exists can be run without a connection; other files are played over the network.
    static func plays(_ transcript: Transcript) -> Bool {
        transcript.commands.allSatisfy { line in
            let name = TranscriptWords.split(line, now: 0)[0]
            switch CommandTable.shared.command(named: name.span)?.handler {
            case .keyed, .get, .set, .local, nil: return true
            case .node, .control, .container: return false
            }
        }
    }

    private init(_ transcript: Transcript, _ version: RESPVersion, _ loop: EventLoop) {
        self.transcript = transcript
        self.version = version
        self.loop = loop
        executor = LoopParts.of(loop).executor
    }

    /// Those that the commands name, each once.
    private var keys: [[UInt8]] {
        var keys: Set<[UInt8]> = []
        for line in transcript.commands {
            let words = TranscriptWords.split(line, now: loop.now)
            let name = words[0]
            guard let command = executor.table.command(named: name.span) else { continue }
            for place in command.keys.places(in: words.count) { keys.insert(words[place]) }
        }
        return Array(keys)
    }

    private func reply(_ line: String, _ keys: any Keyspace) -> [String] {
        let list = ArgumentList(TranscriptWords.split(line, now: keys.now))
        let reply = CommandExecutor.reply { () throws(CommandError) in try run(list.arguments, keys) }
        let output = OutputBuffer()
        RESPWriter(output, version).write(reply)
        return TranscriptReply.lines(of: output.contents, now: keys.now)
    }

    private func run(_ arguments: Arguments, _ keys: any Keyspace) throws(CommandError) -> Reply {
        let command = try executor.table.resolve(arguments)
        _ = try executor.place(of: command.keys.places(in: arguments.count), in: arguments)
        switch command.handler {
        case .keyed, .get, .set: return try command.keyedHandler(keys, arguments)
        case .local(let handler): return try handler(executor.context(Requester(caller: .anybody)), arguments)
        case .node, .control, .container: preconditionFailure("'\(command.name)' is not for transcripts")
        }
    }
}

extension StoredEntry {
    fileprivate func fresh(at now: UInt64) -> StoredEntry? {
        deadlines.expiresAt == 0 || deadlines.expiresAt > now ? self : nil
    }
}
