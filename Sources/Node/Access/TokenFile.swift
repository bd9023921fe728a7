import Reactor

/// Reading the tokens file (`tokensFile`).
enum TokenFile {
    /// What it says; throws every fault of it.
    static func read(_ path: String) throws(Faults) -> [TokenEntry] {
        let contents: [UInt8]
        do throws(HostFile.Fault) {
            contents = try HostFile.contents(of: path, bytesMax: TokenTable.fileMax, [.regular, .ownerOnly])
        } catch {
            throw Faults(lines: ["\(error)"])
        }
        do throws(TokenFaults) {
            return try TokenTable.entries(in: contents.span)
        } catch {
            throw Faults(lines: error.faults.map { "\(path): \($0)" })
        }
    }

    /// For people, one line each.
    struct Faults: Error, CustomStringConvertible {
        let lines: [String]

        var description: String { lines.joined(separator: "; ") }
    }
}

extension NodeContext {
    /// Puts other tokens in force on every loop, and calls `completion` on the first when all have them, with the names
    /// of those that are gone. From any thread.
    ///
    /// A token that is gone is revoked at once: no loop lets it in, whichever table it has yet. One whose entry says
    /// something else now is revoked when every loop has the new entry, so that its holder is let in all the time.
    func publish(_ entries: [TokenEntry]?, completion: @escaping @Sendable (_ gone: [String]) -> Void) {
        let first = group.loops[0]
        first.executeHereOrThere { [self] in
            let access = LoopParts.of(first).access
            let former = access.tokens
            let table = entries.map { TokenTable($0, former: former) }
            // Now, so that another table that is published meanwhile takes the place of this one.
            access.adopt(table)
            var (gone, changed): ([Token], [Token]) = ([], [])
            for token in former?.tokens ?? [] {
                guard let present = table?.token(known: token.digest) else {
                    token.revoke()
                    gone.append(token)
                    continue
                }
                if present !== token { changed.append(token) }
            }
            let (names, superseded) = (gone.map(\.name), changed)
            group.gather(on: first) { loop in
                LoopParts.of(loop).adopt(table)
            } completion: { _ in
                for token in superseded { token.revoke() }
                completion(names)
            }
        }
    }
}

extension LoopParts {
    fileprivate func adopt(_ tokens: TokenTable?) {
        access.adopt(tokens)
        resp.reviewCallers()
        upstash.reviewStreams()
        let access = access
        api.loop.closeWaitingRequests { caller in
            guard let token = caller as? Token, case .stranger = access.renewed(.token(token)) else { return false }
            return true
        }
    }
}
