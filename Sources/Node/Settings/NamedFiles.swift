import Logging
import Reactor

/// What settings name but do not hold: clients' tokens, the certificate, the secret of the peers.
///
/// The one place where they are read at the start, before anything listens, and with each reload, also of settings that
/// are as they were: such a file may have changed by itself. A fault refuses the start or the reload.
struct NamedFiles: Sendable {
    /// Nil: whoever can connect may do everything.
    let tokens: [TokenEntry]?
    /// Nil: connections are plain.
    let tls: TLSContext?
    /// Nil: peers know each other by nothing.
    let secrets: PeerSecrets?

    init(tokens: [TokenEntry]? = nil, tls: TLSContext? = nil, secrets: PeerSecrets? = nil) {
        self.tokens = tokens
        self.tls = tls
        self.secrets = secrets
    }

    /// Reads them. On a thread that is no loop.
    init(of reading: SettingsReading, _ sources: SettingsSources) throws(SettingFaults) {
        var faults: [SettingFault] = []
        func note(_ key: String, _ message: String, hint: String) {
            faults.append(SettingFault(reading.place(of: SettingsTable[key], sources), message, hint: hint))
        }
        var tokens: [TokenEntry]?
        if let path = reading.settings.tokensFile {
            do throws(TokenFile.Faults) {
                tokens = try TokenFile.read(path)
            } catch {
                for line in error.lines { note("tokensFile", line, hint: "See docs/security.md") }
            }
        }
        self.tokens = tokens
        var tls: TLSContext?
        do throws(TLSFault) {
            tls = try NodeTLS.load(reading.settings.tls)
        } catch {
            note("tls.cert", "\(error)", hint: "Name a certificate with its chain and its key, as PEM files")
        }
        self.tls = tls
        var secrets: PeerSecrets?
        if let path = reading.settings.secretFile {
            do throws(PeerSecrets.Fault) {
                secrets = try PeerSecrets.read(path)
            } catch {
                note("secretFile", "\(error)", hint: "One secret a line, the newest first, mode 0600")
            }
        }
        self.secrets = secrets
        guard faults.isEmpty else { throw SettingFaults(all: faults) }
    }

    /// Puts them in force on every loop. On the first loop.
    func adopt(_ node: NodeContext, _ certificates: NodeTLS, _ logger: Logger) {
        certificates.adopt(tls)
        LoopParts.of(node.group.loops[0]).nodeCluster.adopt(secrets)
        let count = tokens?.count
        node.publish(tokens) { gone in
            guard let count else { return }
            logger.info("tokens reloaded", metadata: ["tokens": "\(count)", "gone": "\(gone.joined(separator: ","))"])
        }
    }
}
