// The fixed paths of the Upstash front, as `/openapi.json` describes them.

extension Operation {
    static let runCommand = Operation(
        "runCommand", "Run one command",
        detail: """
            The command and its words as a JSON array: ["SET","key","value"]. The same may be written as a path, \
            /set/key/value, where a body becomes the last word before those of the query.
            """,
        tag: .commands, role: .authenticated, parameters: formats,
        body: .json(words, "A command and its words; numbers count as they are written."),
        answers: [Answer(200, "What it answered.", [.json(result), raw], headers: [syncToken])] + errors,
        hasProblems: false)

    static let runPipeline = Operation(
        "runPipeline", "Run commands one after the other",
        detail: "Not as one: other clients may come in between, and a command that fails does not stop the others.",
        tag: .commands, role: .authenticated, parameters: formats,
        body: .json(.array(words), "Commands with their words."),
        answers: [
            Answer(
                200, "What each answered, in order.", [.json(.array(.oneOf([result, fault]))), raw],
                headers: [syncToken])
        ] + errors,
        hasProblems: false)

    static let runTransaction = Operation(
        "runTransaction", "Run commands as one",
        detail: "Either every command is taken or none is. Always answered in JSON.",
        tag: .commands, role: .authenticated, parameters: [formats[0], formats[2]],
        body: .json(.array(words), "Commands with their words."),
        answers: [
            Answer(
                200, "What each answered, in order.", [.json(.array(.oneOf([result, fault])))],
                headers: [syncToken])
        ] + errors,
        hasProblems: false)

    private static let words = Schema.array(.oneOf([.string, .number, .boolean]))
    private static let result = Schema.object([
        .required(
            "result", .oneOf([.string, .integer64, .null, .array(.oneOf([.string, .integer64, .null]))]),
            "In the shapes of RESP2: floating-point numbers are strings, maps arrays.")
    ])
    private static let fault = Schema.object([.required("error", .string, "As Redis words it.")])
    private static let raw = Content(type: "application/octet-stream", schema: .bytes)
    private static let syncToken = Header("Upstash-Sync-Token", "Another one after each write.")

    private static let formats: [Parameter] = [
        .header("Upstash-Encoding", .words(["base64"]), "Strings come back as the base64 of their bytes."),
        .header(
            "Upstash-Response-Format", .words(["json", "resp2"]), "resp2: as a client of the Redis protocol gets it."),
        .header("Upstash-Sync-Token", .string, "The latest that was received: its state is seen."),
    ]

    private static let errors: [Answer] = [
        Answer(400, "The command cannot be run, or failed.", [.json(fault)], headers: [syncToken]),
        Answer(401, "No token, or a wrong one.", [.json(fault)]),
        Answer(403, "Asked by a page of another origin.", [.json(fault)]),
        Answer(408, "The body came too slowly.", [.json(fault)]),
        Answer(422, "A field cannot be read.", [.json(fault)]),
        Answer(
            503, "There is no memory, or no time is left.", [.json(fault)],
            headers: [Header("Retry-After", "Seconds to wait before another attempt.", .integer)]),
    ]
}
