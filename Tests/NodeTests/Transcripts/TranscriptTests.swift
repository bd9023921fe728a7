import Reactor
import Testing

@Suite struct TranscriptTests {
    @Test(arguments: Transcript.all.filter(TranscriptPlayer.plays)) func commandsOnOneLoopAnswerAsWritten(
        transcript: Transcript
    ) {
        guard !transcript.hasPauses else { return }
        let (two, three) = (
            TranscriptPlayer.playOnShard(transcript, .two), TranscriptPlayer.playOnShard(transcript, .three)
        )
        compare(transcript, transcript.rewritten(two, three))
    }

    @Test(arguments: Transcript.all.filter(TranscriptPlayer.plays)) func commandsOnCopiesOfSeveralLoopsAnswerAsWritten(
        transcript: Transcript
    ) {
        let (two, three) = (
            TranscriptPlayer.playOnCopies(transcript, .two), TranscriptPlayer.playOnCopies(transcript, .three)
        )
        compare(transcript, transcript.rewritten(two, three))
    }

    /// Names each command whose reply is another one.
    private func compare(_ transcript: Transcript, _ played: String) {
        let (wanted, found) = (Self.scenes(transcript.text), Self.scenes(played))
        for (wanted, found) in zip(wanted, found) where wanted != found {
            Issue.record("\(transcript.name)\nexpected:\n\(wanted)\nfound:\n\(found)")
        }
        #expect(wanted.count == found.count && transcript.text.count == played.count, "\(transcript.name)")
    }

    /// The text, cut before each command.
    private static func scenes(_ text: String) -> [String] {
        var scenes = [""]
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("> ") { scenes.append("") }
            scenes[scenes.count - 1] += line + "\n"
        }
        return scenes
    }
}
