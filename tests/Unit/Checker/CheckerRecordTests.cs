using Lamina.Testing.Checker;

namespace Lamina.Tests.Unit.Checker;

/// <summary>The judge of checker guests: each thing that can go wrong turns it red, and what is right does not.</summary>
public class CheckerRecordTests
{
    private const string Here = "10.0.0.1", There = "10.0.0.2";

    [Theory]
    [InlineData("")]
    [InlineData("GUEST-READY boot=1")]
    [InlineData("LCG1 id=web1 run=a tick=1")]
    [InlineData("LCG1 id=web1 run=a tick=x at=1 written=0 found=0 sweeps=0 pages=0 slots=0 what=-")]
    [InlineData("LCG1 id=web1 run=a tick=1 at=1 written=0 found=0 sweeps=0 pages=0 slots=0 what")]
    [InlineData("LCG1 id=web1 run=a tick=1 at=1 written=0 found=0 sweeps=0 pages=0 slots=-1 what=-")]
    public void What_is_no_whole_word_is_no_word(string line) => Assert.Null(CheckerWord.Parse(line));

    [Fact]
    public void A_word_is_read_with_its_end_of_line()
    {
        var expected = new CheckerWord { Id = "web1", Run = "00ff", Tick = 7, AtNs = 12, Written = 5, Found = 3, Sweeps = 2, BadPages = 1, BadSlots = 4, What = "page-1" };
        Assert.Equal(expected, CheckerWord.Parse("LCG1 id=web1 run=00ff tick=7 at=12 written=5 found=3 sweeps=2 pages=1 slots=4 what=page-1\n"));
    }

    /// <summary>Moves, words lost on the way, and a new start from the disk.</summary>
    [Fact]
    public void A_right_life_has_no_findings()
    {
        var record = Judge((0, Here, Word("a", 1, written: 0)), (1, Here, Word("a", 2, written: 3)), (5, There, Word("a", 9, written: 3)), (6, Here, Word("a", 10, written: 8)),
            (20, There, Word("b", 4, written: 9, found: 9)));
        Assert.Empty(record.Findings);
        Assert.Equal(["a", "b"], record.Runs);
        Assert.Equal((9, 5, TimeSpan.FromSeconds(14)), (record.Written, record.Heard, record.LongestGap));
        Assert.Equal(TimeSpan.Zero, record.Marked().LongestGap);
    }

    [Fact]
    public void Two_that_count_from_the_same_moment_are_doubled() =>
        Finds(CheckerVerdict.Doubled, (0, Here, Word("a", 1)), (1, Here, Word("a", 2)), (2, There, Word("a", 3)), (2, Here, Word("a", 3)));

    [Fact]
    public void One_that_goes_on_from_an_earlier_moment_is_doubled() =>
        Finds(CheckerVerdict.Doubled, (0, Here, Word("a", 8, written: 5)), (1, There, Word("a", 3, written: 2)));

    [Fact]
    public void An_earlier_disk_under_the_same_run_is_doubled() => Finds(CheckerVerdict.Doubled, (0, Here, Word("a", 8, written: 5)), (1, There, Word("a", 9, written: 4)));

    [Fact]
    public void One_that_speaks_after_the_next_run_has_begun_is_doubled() =>
        Finds(CheckerVerdict.Doubled, (0, Here, Word("a", 1)), (1, There, Word("b", 1)), (2, Here, Word("a", 2)));

    [Fact]
    public void A_page_that_is_wrong_is_lost_and_told_once() =>
        Finds(CheckerVerdict.LostPage, (0, Here, Word("a", 1)), (1, There, Word("a", 2) with { BadPages = 1, What = "page-7" }), (2, There, Word("a", 3) with { BadPages = 1, What = "page-7" }));

    [Fact]
    public void A_record_that_is_wrong_is_torn() => Finds(CheckerVerdict.TornWrite, (0, Here, Word("a", 1)), (1, There, Word("a", 2) with { BadSlots = 1, What = "slot-7-has-0-not-9" }));

    [Fact]
    public void A_run_that_finds_holes_among_the_records_says_so_with_its_first_word() => Finds(CheckerVerdict.TornWrite, (0, Here, Word("a", 1) with { BadSlots = 2 }));

    [Fact]
    public void A_run_that_finds_less_than_was_written_has_lost_it() =>
        Finds(CheckerVerdict.LostWrite, (0, Here, Word("a", 1, written: 10)), (1, Here, Word("b", 1, written: 9, found: 9)));

    private static void Finds(CheckerVerdict expected, params (int Second, string From, CheckerWord Word)[] heard) => Assert.Equal(expected, Assert.Single(Judge(heard).Findings).Verdict);

    private static CheckerRecord Judge(params (int Second, string From, CheckerWord Word)[] heard) =>
        heard.Aggregate(CheckerRecord.Empty, (record, each) => record.Hear(new CheckerArrival(TimeSpan.FromSeconds(each.Second), each.From, each.Word)));

    private static CheckerWord Word(string run, long tick, long written = 0, long found = 0) => new() { Id = "web1", Run = run, Tick = tick, AtNs = tick * 1000, Written = written, Found = found };
}
