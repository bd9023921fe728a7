import Reactor
import Services

/// Reads requests into the words of their commands. A pure core; its buffers serve one request after the other.
struct UpstashReader: Sendable {
    private var json: JSONReader
    private let budget: any MemoryBudget
    /// The words of the latest command.
    private(set) var words = ArgumentList()
    /// What an escaped word is decoded into.
    private var scratch: [UInt8] = []

    /// `budget`: what long words are charged to.
    init(bodyMax: Int, budget: any MemoryBudget) {
        json = JSONReader(limits: JSONLimits(bytesMax: bodyMax))
        self.budget = budget
    }
}

// MARK: - JSON

extension UpstashReader {
    /// Reads `["SET","k",1]` into `words`.
    mutating func readCommand(_ body: Span<UInt8>) throws(CommandError) {
        words.removeAll()
        guard !body.isEmpty else { throw .emptyCommand }
        defer { trim() }
        if let fault = Self.readCommand(body, &json, &words, &scratch, budget) { throw fault }
    }

    private static func readCommand(
        _ body: Span<UInt8>, _ json: inout JSONReader, _ words: inout ArgumentList, _ scratch: inout [UInt8],
        _ budget: any MemoryBudget
    ) -> CommandError? {
        do throws(JSONFault) {
            let value = try json.read(body)
            return take(value, into: &words, &scratch, budget)
        } catch {
            return .unreadableCommand
        }
    }

    /// Reads `[["SET","k",1],["GET","k"]]`.
    mutating func readBatch(_ body: Span<UInt8>) throws(CommandError) -> ArgumentBatch {
        guard !body.isEmpty else { throw .emptyPipeline }
        defer { trim() }
        var batch = ArgumentBatch()
        if let fault = Self.readBatch(body, into: &batch, &json, &words, &scratch, budget) { throw fault }
        return batch
    }

    private static func readBatch(
        _ body: Span<UInt8>, into batch: inout ArgumentBatch, _ json: inout JSONReader, _ words: inout ArgumentList,
        _ scratch: inout [UInt8], _ budget: any MemoryBudget
    ) -> CommandError? {
        do throws(JSONFault) {
            let value = try json.read(body)
            return take(value, into: &batch, &words, &scratch, budget)
        } catch {
            return .unreadablePipeline
        }
    }

    private mutating func trim() {
        if scratch.capacity > UpstashLimits.bufferKeptMax { scratch = [] }
    }

    private static func take(
        _ value: borrowing JSONValue, into batch: inout ArgumentBatch, _ words: inout ArgumentList,
        _ scratch: inout [UInt8], _ budget: any MemoryBudget
    ) -> CommandError? {
        guard var commands = value.elements else { return .unreadablePipeline }
        while let command = commands.next() {
            guard batch.count < UpstashLimits.commandsMax else { return .tooManyCommands }
            words.removeAll()
            if let fault = take(command, into: &words, &scratch, budget) {
                return fault == .unreadableCommand ? .unreadablePipeline : fault
            }
            batch.append(words.arguments)
        }
        return batch.count == 0 ? .emptyPipeline : nil
    }

    /// Makes the elements of an array words; not nil: why they are none. Numbers are taken as they are written, with
    /// all their digits.
    private static func take(
        _ command: borrowing JSONValue, into words: inout ArgumentList, _ scratch: inout [UInt8],
        _ budget: any MemoryBudget
    ) -> CommandError? {
        guard var elements = command.elements else { return .unreadableCommand }
        while let element = elements.next() {
            switch element.kind {
            case .number, .boolean:
                words.append(element.span)
            case .string:
                guard let text = element.utf8(scratch: &scratch), words.append(text, chargedTo: budget) else {
                    return .outOfMemory
                }
            case .null, .array, .object:
                return .unreadableCommand
            }
        }
        return words.count == 0 ? .emptyCommand : nil
    }
}

// MARK: - Paths

extension UpstashReader {
    /// Reads a path, the body behind it as one word, and the query into `words`. `blob`: the body again, if it has a
    /// block of its own.
    mutating func readPath(
        _ path: Span<UInt8>, query: Span<UInt8>, body: Span<UInt8>, blob: Blob?
    ) throws(CommandError) {
        try readSegments(path)
        if let blob, blob.count >= UpstashLimits.blobMin {
            words.append(blob)
        } else if !body.isEmpty {
            guard words.append(body, chargedTo: budget) else { throw .outOfMemory }
        }
        try readQuery(query)
    }

    /// Reads a path alone. It is split and then decoded: an encoded slash is part of a word.
    mutating func readSegments(_ path: Span<UInt8>) throws(CommandError) {
        words.removeAll()
        var start = 1
        while start <= path.count {
            let end = path.firstIndex(of: UInt8(ascii: "/"), from: start) ?? path.count
            scratch.removeAll(keepingCapacity: true)
            do throws(PercentFault) {
                try PercentCoding.decode(segment: path.extracting(start..<end), appendingTo: &scratch)
            } catch {
                throw .unreadableCommand
            }
            takeScratch()
            start = end + 1
        }
    }

    /// Takes `EX=100&NX` as EX, 100 and NX. The token is not for the command.
    private mutating func readQuery(_ query: Span<UInt8>) throws(CommandError) {
        var pairs = QueryPairs(query)
        while let (name, value) = pairs.nextPair() {
            try decode(query.extracting(name))
            guard scratch != Self.tokenName else { continue }
            takeScratch()
            guard let value else { continue }
            try decode(query.extracting(value))
            takeScratch()
        }
    }

    static let tokenName = Array("_token".utf8)

    private mutating func takeScratch() {
        let word = scratch
        words.append(word.span)
    }

    private mutating func decode(_ text: Span<UInt8>) throws(CommandError) {
        scratch.removeAll(keepingCapacity: true)
        do throws(PercentFault) {
            try PercentCoding.decode(query: text, appendingTo: &scratch)
        } catch {
            throw .unreadableCommand
        }
    }
}

extension ArgumentList {
    /// A long word becomes a block of its own, which is stored without another copy. False: there is no memory for it.
    fileprivate mutating func append(_ word: Span<UInt8>, chargedTo budget: any MemoryBudget) -> Bool {
        guard word.count >= UpstashLimits.blobMin else {
            append(word)
            return true
        }
        guard let blob = Blob.reserving(capacity: word.count, from: budget) else { return false }
        blob.append(word)
        append(blob)
        return true
    }
}
