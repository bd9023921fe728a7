import ArgumentParser
import Reactor

/// `tribe version`: this program and the libraries under it.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version",
        abstract: "Print the versions of the program and its libraries.",
        discussion: """
            EXAMPLES
              tribe version
              tribe version --json
            """)

    @Flag(help: "Print JSON, for programs.")
    var json = false

    func run() {
        let versions = [("tribe", TribeVersion.text)] + LibraryVersions.all
        guard json else {
            let rows = versions.map { [$0.0, $0.1] }
            return HostProcess.writeToStandardOutput(Terminal.table(rows))
        }
        Terminal.print { json in
            for (name, version) in versions {
                json.key(name)
                json.string(version)
            }
        }
    }
}

/// `tribe completions`: what a shell needs to complete this program's commands.
struct CompletionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completions",
        abstract: "Print a completion script for a shell.",
        discussion: """
            EXAMPLES
              tribe completions bash > /etc/bash_completion.d/tribe
              tribe completions zsh > ~/.zsh/completions/_tribe
              tribe completions fish > ~/.config/fish/completions/tribe.fish
            """)

    enum Shell: String, ExpressibleByArgument, CaseIterable {
        case bash, zsh, fish
    }

    @Argument(help: "bash, zsh or fish.")
    var shell: Shell

    func run() {
        let kind: CompletionShell =
            switch shell {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        HostProcess.writeToStandardOutput(TribeCommand.completionScript(for: kind) + "\n")
    }
}
