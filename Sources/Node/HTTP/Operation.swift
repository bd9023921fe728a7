/// What a route tells about itself: everything of the OpenAPI document but its method and path.
struct Operation: Sendable {
    /// Unique, camelCase: generated clients make a function of it.
    let id: String
    let summary: String
    let detail: String
    let tag: Tag
    /// Who may: whoever has one of these.
    let role: Roles
    let parameters: [Parameter]
    let body: Body?
    /// What it answers when all is well, and fields that a problem of the same status carries besides.
    let answers: [Answer]
    /// Its own; those that any route may answer with are added by the document.
    let problems: [ProblemCode]
    /// False: whatever goes wrong is answered as `answers` say, never as a problem.
    let hasProblems: Bool

    enum Tag: String, CaseIterable, Sendable {
        case cache = "Cache"
        case commands = "Commands"
        case system = "System"

        var detail: String {
            switch self {
            case .cache: "Values under keys, kept byte for byte, with time to live, tags and stampede control."
            case .commands: "Redis commands over HTTP, as the clients of Upstash send them."
            case .system: "Health, metrics, the cluster, and the server's account of itself."
            }
        }
    }

    init(
        _ id: String, _ summary: String, detail: String = "", tag: Tag, role: Roles, parameters: [Parameter] = [],
        body: Body? = nil, answers: [Answer], problems: [ProblemCode] = [], hasProblems: Bool = true
    ) {
        self.id = id
        self.summary = summary
        self.detail = detail
        self.tag = tag
        self.role = role
        self.parameters = parameters
        self.body = body
        self.answers = answers
        self.problems = problems
        self.hasProblems = hasProblems
    }
}

extension Operation {
    struct Parameter: Sendable {
        let place: Place
        let name: String
        let schema: Schema
        let detail: String
        let isRequired: Bool
        /// What using it demands, where that is another role than the operation's.
        let role: Roles?

        enum Place: String, Sendable {
            case path, query, header
        }

        static func path(_ name: String, _ schema: Schema, _ detail: String) -> Parameter {
            Parameter(place: .path, name: name, schema: schema, detail: detail, isRequired: true, role: nil)
        }

        static func query(_ name: String, _ schema: Schema, _ detail: String, role: Roles? = nil) -> Parameter {
            Parameter(place: .query, name: name, schema: schema, detail: detail, isRequired: false, role: role)
        }

        static func header(
            _ name: String, _ schema: Schema, _ detail: String, isRequired: Bool = false
        ) -> Parameter {
            Parameter(place: .header, name: name, schema: schema, detail: detail, isRequired: isRequired, role: nil)
        }
    }

    /// A body that the request must have.
    struct Body: Sendable {
        let detail: String
        let content: [Content]

        static func json(_ schema: Schema, _ detail: String) -> Body {
            Body(detail: detail, content: [.json(schema)])
        }
    }

    struct Content: Sendable {
        let type: String
        let schema: Schema

        static func json(_ schema: Schema) -> Content {
            Content(type: "application/json", schema: schema)
        }
    }

    struct Answer: Sendable {
        let status: UInt16
        let detail: String
        let content: [Content]
        let headers: [Header]

        init(_ status: UInt16, _ detail: String, _ content: [Content] = [], headers: [Header] = []) {
            self.status = status
            self.detail = detail
            self.content = content
            self.headers = headers
        }
    }

    /// A field of an answer.
    struct Header: Sendable {
        let name: String
        let schema: Schema
        let detail: String

        init(_ name: String, _ detail: String, _ schema: Schema = .string) {
            self.name = name
            self.schema = schema
            self.detail = detail
        }
    }
}
