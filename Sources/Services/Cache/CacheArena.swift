/// Memory for the records of one table: blocks of some fifty sizes in pages of 64 KiB, in one reservation of addresses.
///
/// A ref is a 32-bit number of 16-byte units from the start, so an address is one addition away and 64 GiB can be
/// named. Page 0 is never handed out, so no ref is zero. Pages are taken lowest first and given back to the kernel when
/// empty.
///
/// A page belongs to one size class until it is empty. Pages of a class that have room are in eight lists by fullness;
/// blocks are taken from the fullest, so that the emptiest drain. What does not drain is evacuated by the table, which
/// alone can move a record (`CacheTable+Evacuation`); the arena says from where (`roomiestClass`) and keeps new blocks
/// out of the page (`beginEvacuation`). So memory never stays with a size that is no longer in use, as in memcached's
/// slabs it does.
///
/// A block in use has the `live` bit in its flags (`RecordFlags`), a free one does not and holds the next free one.
@safe
struct CacheArena: ~Copyable {
    static let pageBytes = 64 << 10
    static let unitBytes = 16
    static let pageUnits = pageBytes / unitBytes
    /// The most that refs can name.
    static let reservationMax = 64 << 30
    static let noPage: UInt32 = 0

    /// The pages, and behind the last one the page table.
    private let base: UnsafeMutableRawPointer
    private let reservedBytes: Int
    let pageLimit: Int
    let classes = SizeClasses()
    /// By page number; see `CachePage`.
    let pages: PageTable
    /// By size class.
    private var shelves: [PageShelf]
    /// One bit per class that has a page's worth of room: it could do with a page less.
    private var roomyClasses: UInt64 = 0
    /// One bit per page: taken.
    private var taken: ZeroedWords
    /// No word of `taken` below this one has a zero bit.
    private var lowestRoom = 0
    private(set) var pageCount = 0
    /// The page whose records are being moved away; zero: none.
    private(set) var evacuating: UInt32 = Self.noPage

    /// Reserves addresses, not memory. `bytes` is rounded down to pages.
    init(reserving bytes: Int) throws(CacheFault) {
        let limit = min(bytes, Self.reservationMax) / Self.pageBytes
        precondition(limit >= 2, "an arena of \(bytes) bytes")
        guard let start = unsafe PageMapping.reserve(limit * Self.pageCost) else {
            throw .noAddressSpace(bytes: limit * Self.pageCost)
        }
        unsafe base = start
        pageLimit = limit
        reservedBytes = limit * Self.pageCost
        pages = unsafe PageTable(start + limit * Self.pageBytes, count: limit)
        taken = ZeroedWords(count: (limit + 63) / 64)
        taken[0] = 1
        shelves = []
        precondition(classes.count <= 64, "a bit per class")
        for index in 0..<classes.count {
            shelves.append(PageShelf(blocksPerPage: Self.pageBytes / classes.bytes(index)))
        }
    }

    deinit {
        unsafe PageMapping.unmap(base, reservedBytes)
    }

    /// What a page costs with its entry in the page table.
    static let pageCost = pageBytes + PageTable.entryBytes

    @inline(__always)
    func record(_ ref: UInt32) -> CacheRecord {
        unsafe CacheRecord(base + Int(ref) * Self.unitBytes)
    }

    @inline(__always)
    func sizeClass(of ref: UInt32) -> Int {
        Int(pages[ref / UInt32(Self.pageUnits)].sizeClass)
    }

    func blockBytes(of ref: UInt32) -> Int {
        classes.bytes(sizeClass(of: ref))
    }

    /// Whether the next block of the class takes a new page.
    @inline(__always)
    func needsPage(_ sizeClass: Int) -> Bool {
        shelves[sizeClass].filledLevels == 0
    }

    /// How many new pages so many further blocks of the class would take.
    func pagesNeeded(for count: Int, _ sizeClass: Int) -> Int {
        let missing = max(0, count - shelves[sizeClass].freeBlocks)
        let perPage = shelves[sizeClass].blocksPerPage
        return (missing + perPage - 1) / perPage
    }

    var freeBytes: Int {
        var sum = 0
        for index in 0..<classes.count {
            sum += shelves[index].freeBlocks * classes.bytes(index)
        }
        return sum
    }

    /// A block of the class, not yet live. Nil: the reservation is used up.
    mutating func allocate(_ sizeClass: Int) -> UInt32? {
        if needsPage(sizeClass) {
            guard takePage(sizeClass) else { return nil }
        }
        let number = shelves[sizeClass].fullest
        let unit = takeBlock(of: number, sizeClass)
        shelve(number, sizeClass)
        addRoom(-1, sizeClass)
        return number * UInt32(Self.pageUnits) + UInt32(unit)
    }

    private mutating func takeBlock(of number: UInt32, _ sizeClass: Int) -> UInt16 {
        pages[number].used += 1
        let head = pages[number].freeHead
        if head != CachePage.noBlock {
            pages[number].freeHead = block(number, head).nextFree
            return head
        }
        let unit = Int(pages[number].fresh) * classes.bytes(sizeClass) / Self.unitBytes
        pages[number].fresh += 1
        return UInt16(unit)
    }

    private func block(_ number: UInt32, _ unit: UInt16) -> CacheRecord {
        record(number * UInt32(Self.pageUnits) + UInt32(unit))
    }

    /// Gives a block back, and its page with it if that was the last one.
    mutating func free(_ ref: UInt32) {
        let number = ref / UInt32(Self.pageUnits)
        let sizeClass = sizeClass(of: ref)
        let record = record(ref)
        precondition(record.flags.isLive, "block \(ref) is free already")
        record.markFree(next: pages[number].freeHead)
        pages[number].freeHead = UInt16(ref % UInt32(Self.pageUnits))
        pages[number].used -= 1
        if number == evacuating {
            return pages[number].used == 0 ? releasePage(number, sizeClass) : ()
        }
        addRoom(1, sizeClass)
        shelve(number, sizeClass)
        // One empty page is kept for the class that has no other room: it may be wanted again at once.
        if pages[number].used == 0, shelves[sizeClass].pageCount > 1 {
            retire(number, sizeClass)
            releasePage(number, sizeClass)
        }
    }

    @inline(__always)
    private mutating func addRoom(_ blocks: Int, _ sizeClass: Int) {
        shelves[sizeClass].freeBlocks += blocks
        let bit: UInt64 = 1 << UInt64(sizeClass)
        let isRoomy = shelves[sizeClass].freeBlocks >= shelves[sizeClass].blocksPerPage
        roomyClasses = isRoomy ? roomyClasses | bit : roomyClasses & ~bit
    }

    /// Puts a page into the list for its fullness.
    private mutating func shelve(_ number: UInt32, _ sizeClass: Int) {
        let level = shelves[sizeClass].level(used: Int(pages[number].used))
        guard level != pages[number].level else { return }
        shelves[sizeClass].unlink(number, pages)
        shelves[sizeClass].link(number, level, pages)
    }

    /// Takes a page off its class's shelf with the room it has.
    private mutating func retire(_ number: UInt32, _ sizeClass: Int) {
        shelves[sizeClass].unlink(number, pages)
        addRoom(Int(pages[number].used) - shelves[sizeClass].blocksPerPage, sizeClass)
    }

    private mutating func takePage(_ sizeClass: Int) -> Bool {
        while lowestRoom < taken.count, taken[lowestRoom] == .max {
            lowestRoom += 1
        }
        guard lowestRoom < taken.count else { return false }
        let bit = (~taken[lowestRoom]).trailingZeroBitCount
        let number = lowestRoom * 64 + bit
        guard number < pageLimit else { return false }
        taken[lowestRoom] |= 1 << UInt64(bit)
        pageCount += 1
        pages[UInt32(number)] = CachePage(sizeClass: UInt8(sizeClass))
        addRoom(shelves[sizeClass].blocksPerPage, sizeClass)
        shelves[sizeClass].link(UInt32(number), 0, pages)
        return true
    }

    private mutating func releasePage(_ number: UInt32, _ sizeClass: Int) {
        let word = Int(number / 64)
        taken[word] &= ~(1 << UInt64(number % 64))
        lowestRoom = min(lowestRoom, word)
        pageCount -= 1
        if number == evacuating {
            evacuating = Self.noPage
        }
        unsafe PageMapping.release(base + Int(number) * Self.pageBytes, Self.pageBytes)
    }
}

extension CacheArena {
    /// The class with the most bytes of room among those that would still have enough without one of their pages.
    /// `slack`: how much of a class may stay free, in 64ths of its pages that have room.
    func roomiestClass(slack: Int) -> Int? {
        var best: Int?
        var bestBytes = 0
        var rest = roomyClasses
        while rest != 0 {
            let index = rest.trailingZeroBitCount
            rest &= rest - 1
            let shelf = shelves[index]
            let spare = shelf.freeBlocks - shelf.pageCount * shelf.blocksPerPage * slack / 64
            if spare >= shelf.blocksPerPage, spare * classes.bytes(index) > bestBytes {
                best = index
                bestBytes = spare * classes.bytes(index)
            }
        }
        return best
    }

    /// Takes the emptiest page of a class out of use. Its records stay where they are until they are moved or freed;
    /// the last one to go frees the page. False: it was empty, and is released.
    mutating func beginEvacuation(of sizeClass: Int) -> Bool {
        precondition(evacuating == Self.noPage)
        let number = shelves[sizeClass].emptiest
        retire(number, sizeClass)
        guard pages[number].used > 0 else {
            releasePage(number, sizeClass)
            return false
        }
        evacuating = number
        return true
    }

    /// Gives the page being evacuated back to its class, with the records that are still in it.
    mutating func abandonEvacuation() {
        let number = evacuating
        let sizeClass = Int(pages[number].sizeClass)
        evacuating = Self.noPage
        addRoom(shelves[sizeClass].blocksPerPage - Int(pages[number].used), sizeClass)
        shelve(number, sizeClass)
    }

    var evacuatingClass: Int { Int(pages[evacuating].sizeClass) }

    /// The first live block at or behind place `from` of the page being evacuated, and its place.
    func nextLive(from: Int) -> (ref: UInt32, place: Int)? {
        let page = pages[evacuating]
        let units = classes.bytes(Int(page.sizeClass)) / Self.unitBytes
        var place = from
        while place < Int(page.fresh) {
            let ref = evacuating * UInt32(Self.pageUnits) + UInt32(place * units)
            if record(ref).flags.isLive { return (ref, place) }
            place += 1
        }
        return nil
    }
}
