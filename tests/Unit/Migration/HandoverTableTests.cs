using System.Text.RegularExpressions;
using Lamina.Api;
using Lamina.Server.Migration.Plan;
using Lamina.Testing;
using MirrorState = Lamina.Server.Migration.Plan.MirrorState;

namespace Lamina.Tests.Unit.Migration;

/// <summary>
/// The recovery table as a whole (decisions, live migration): wherever store and QEMU are, under all that a side may know besides, it does only what its row says. The rows bear the names that
/// they have in docs/decisions/migration.md, which names the tests that show each.
/// </summary>
public partial class HandoverTableTests
{
    private static readonly TimeSpan Long = TimeSpan.FromHours(1);

    private static readonly IReadOnlyList<Row> Rows =
    [
        new("the store's answer is unknown", place => place.Store == StorePhase.Unknown)
        {
            Source = [typeof(MigrationStep.Settle)],
            Target = [typeof(MigrationStep.Settle)],
        },
        new("the epoch is above both", place => place.Store == StorePhase.Outlived)
        {
            Source = [typeof(MigrationStep.KillSource), typeof(MigrationStep.Finish)],
            Target = [typeof(MigrationStep.KillTarget), typeof(MigrationStep.LetGo)],
        },
        new("prepared, the source runs", place => place is { Store: StorePhase.Prepared, Source: SourceQemu.Idle or SourceQemu.Moving })
        {
            Source = [typeof(MigrationStep.TellDefinition), typeof(MigrationStep.BeginMirrors), typeof(MigrationStep.BeginMigration), typeof(MigrationStep.StartPostCopy), typeof(MigrationStep.Rest), typeof(MigrationStep.Abort)],
            Target = WhilePrepared,
        },
        new("prepared, at the switch", place => place is { Store: StorePhase.Prepared, Source: SourceQemu.PreSwitchover or SourceQemu.Device })
        {
            Source = [typeof(MigrationStep.EndMirrors), typeof(MigrationStep.TellAtSwitch), typeof(MigrationStep.Switch), typeof(MigrationStep.Rest), typeof(MigrationStep.Abort)],
            Target = WhilePrepared,
        },
        new("prepared, failed or cancelled", place => place is { Store: StorePhase.Prepared, Source: SourceQemu.Failed or SourceQemu.Cancelled })
        {
            Source = [typeof(MigrationStep.Abort)],
            Target = WhilePrepared,
        },
        new("prepared, all is sent, the target has it", place => place is { Store: StorePhase.Prepared, Source: SourceQemu.Completed, Target: TargetQemu.Loaded })
        {
            Source = [typeof(MigrationStep.TellCompleted), typeof(MigrationStep.Rest), typeof(MigrationStep.Abort)],
            Target = [typeof(MigrationStep.Build), typeof(MigrationStep.Commit), typeof(MigrationStep.Undo), typeof(MigrationStep.Rest)],
        },
        new("prepared, all is sent, the target is gone or silent", place => place is { Store: StorePhase.Prepared, Source: SourceQemu.Completed })
        {
            Source = [typeof(MigrationStep.TellCompleted), typeof(MigrationStep.Rest), typeof(MigrationStep.Abort)],
            Target = WhilePrepared,
        },
        new("prepared, the source is gone", place => place is { Store: StorePhase.Prepared, Source: SourceQemu.Gone or SourceQemu.AtRest })
        {
            Source = [typeof(MigrationStep.Rest), typeof(MigrationStep.Abort)],
            Target = WhilePrepared,
        },
        new("prepared, the source is silent", place => place is { Store: StorePhase.Prepared })
        {
            Source = [typeof(MigrationStep.Rest), typeof(MigrationStep.Abort)],
            Target = WhilePrepared,
        },
        new("committed, the target stands", place => place is { Store: StorePhase.Committed, PostCopy: false, Target: TargetQemu.Loaded })
        {
            Source = OnceCommitted,
            Target = [typeof(MigrationStep.ContinueTarget), typeof(MigrationStep.HoldTarget), typeof(MigrationStep.Done), typeof(MigrationStep.KillTarget), typeof(MigrationStep.LetGo)],
        },
        new("committed, the target runs", place => place is { Store: StorePhase.Committed, PostCopy: false, Target: TargetQemu.Running })
        {
            Source = OnceCommitted,
            Target = [typeof(MigrationStep.Done), typeof(MigrationStep.LetGo)],
        },
        new("committed, the target is gone and has not run", place => place is { Store: StorePhase.Committed, PostCopy: false, Target: TargetQemu.None or TargetQemu.Gone, MayHaveRun: false })
        {
            Source = OnceCommitted,
            Target = [typeof(MigrationStep.HandBack), typeof(MigrationStep.LetGo)],
        },
        new("committed, the target is gone and may have run", place => place is { Store: StorePhase.Committed, PostCopy: false, Target: TargetQemu.None or TargetQemu.Gone })
        {
            Source = OnceCommitted,
            Target = [typeof(MigrationStep.ReportCrash), typeof(MigrationStep.LetGo)],
        },
        new("committed, the target is silent", place => place is { Store: StorePhase.Committed, PostCopy: false })
        {
            Source = OnceCommitted,
            Target = [typeof(MigrationStep.Rest), typeof(MigrationStep.LetGo)],
        },
        new("committed with post-copy, before the guest is there", place => place is { Store: StorePhase.Committed, Target: TargetQemu.InMigrate or TargetQemu.Loaded })
        {
            Source = InPostCopy,
            Target = [typeof(MigrationStep.ContinueTarget), typeof(MigrationStep.BreakStream), typeof(MigrationStep.KillTarget), typeof(MigrationStep.TellWhole), typeof(MigrationStep.TellFailed), typeof(MigrationStep.Rest), typeof(MigrationStep.LetGo)],
        },
        new("committed with post-copy, the guest is there", place => place is { Store: StorePhase.Committed, Target: TargetQemu.Running or TargetQemu.PostCopy })
        {
            Source = InPostCopy,
            Target =
            [
                typeof(MigrationStep.Done), typeof(MigrationStep.ContinueTarget), typeof(MigrationStep.BreakStream), typeof(MigrationStep.KillTarget), typeof(MigrationStep.TellWhole), typeof(MigrationStep.TellFailed),
                typeof(MigrationStep.Rest), typeof(MigrationStep.LetGo),
            ],
        },
        new("committed with post-copy, the link is broken", place => place is { Store: StorePhase.Committed, Target: TargetQemu.PostCopyPaused })
        {
            Source = InPostCopy,
            Target = [typeof(MigrationStep.Recover), typeof(MigrationStep.KillTarget), typeof(MigrationStep.TellWhole), typeof(MigrationStep.TellFailed), typeof(MigrationStep.Rest), typeof(MigrationStep.LetGo)],
        },
        new("committed with post-copy, the target is gone", place => place is { Store: StorePhase.Committed, Target: TargetQemu.None or TargetQemu.Gone })
        {
            Source = InPostCopy,
            Target = [typeof(MigrationStep.ReportCrash), typeof(MigrationStep.TellFailed), typeof(MigrationStep.HandBack), typeof(MigrationStep.Rest), typeof(MigrationStep.LetGo)],
        },
        new("committed with post-copy, the target is silent", place => place is { Store: StorePhase.Committed })
        {
            Source = InPostCopy,
            Target = [typeof(MigrationStep.Rest)],
        },
        new("given up", place => place.Store == StorePhase.Aborted)
        {
            Source = [typeof(MigrationStep.Cancel), typeof(MigrationStep.ContinueSource), typeof(MigrationStep.PauseSource), typeof(MigrationStep.Finish), typeof(MigrationStep.Rest)],
            Target = [typeof(MigrationStep.Undo)],
        },
        new("given back", place => place.Store == StorePhase.HandedBack)
        {
            Source = [typeof(MigrationStep.TakeBack), typeof(MigrationStep.PauseSource), typeof(MigrationStep.KillSource), typeof(MigrationStep.Finish), typeof(MigrationStep.Rest)],
            Target = [typeof(MigrationStep.Undo)],
        },
        new("over", place => place.Store == StorePhase.Gone)
        {
            Source = [typeof(MigrationStep.LetGo)],
            Target = [typeof(MigrationStep.LetGo), typeof(MigrationStep.Undo)],
        },
    ];

    private static Type[] WhilePrepared => [typeof(MigrationStep.Build), typeof(MigrationStep.TellFailed), typeof(MigrationStep.Commit), typeof(MigrationStep.Undo), typeof(MigrationStep.Rest)];

    private static Type[] OnceCommitted => [typeof(MigrationStep.Rest), typeof(MigrationStep.KillSource), typeof(MigrationStep.Finish)];

    private static Type[] InPostCopy =>
    [
        typeof(MigrationStep.Rest), typeof(MigrationStep.Switch), typeof(MigrationStep.TellCompleted), typeof(MigrationStep.PauseSource), typeof(MigrationStep.TellStanding), typeof(MigrationStep.TellEnded),
        typeof(MigrationStep.TellBroken), typeof(MigrationStep.BreakStream), typeof(MigrationStep.Reconnect), typeof(MigrationStep.KillSource), typeof(MigrationStep.Finish),
    ];

    [Fact]
    public void EachSideDoesOnlyWhatItsRowSaysWhateverElseItKnows()
    {
        var wrong = new SortedSet<string>(StringComparer.Ordinal);
        var done = new HashSet<(string Row, MigrationSide Side, Type Step)>();
        var known = new Dictionary<(MigrationSide, StorePhase, SourceQemu, TargetQemu, bool, bool), IReadOnlyList<Row>>();
        foreach (var moment in SourceMoments()) Judge(moment, row => row.Source);
        foreach (var moment in TargetMoments()) Judge(moment, row => row.Target);
        Assert.True(wrong.Count == 0, string.Join('\n', wrong.Take(20)));

        // And a row allows nothing that never comes.
        var allowed = Rows.SelectMany(row => row.Source.Select(step => (row.Name, MigrationSide.Source, step)).Concat(row.Target.Select(step => (row.Name, MigrationSide.Target, step))));
        Assert.Empty(allowed.Except(done));

        void Judge(MigrationMoment moment, Func<Row, IReadOnlyList<Type>> stepsOf)
        {
            var step = MigrationPlan.Next(moment).GetType();
            if (Forbidden(moment, step) is { } forbidden) wrong.Add($"{moment.Side} {moment.Phase}, {moment.Source.Qemu}, {moment.Target.Qemu}: {forbidden}");
            var place = (moment.Side, moment.Phase, moment.Source.Qemu, moment.Target.Qemu, moment.PostCopy, moment.Target.MayHaveRun);
            if (!known.TryGetValue(place, out var rows)) known[place] = rows = RowsOf(moment);
            foreach (var row in rows)
            {
                done.Add((row.Name, moment.Side, step));
                if (!stepsOf(row).Contains(step)) wrong.Add($"{row.Name}: {moment.Side} {moment.Source.Qemu}/{moment.Target.Qemu} does {step.Name}");
            }
        }
    }

    /// <summary>The document names each row, in this order, and for each tests that exist.</summary>
    [Fact]
    public void EachRowNamesTheTestsThatShowIt()
    {
        var shown = File.ReadLines(Repository.PathOf("docs", "decisions", "migration.md"))
            .SkipWhile(line => line != "## The recovery table, and what shows each row").Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Skip(1)
            .Select(line => line.Trim('|', ' ').Split('|')).ToList();
        Assert.Equal(Rows.Select(row => row.Name), shown.Take(Rows.Count).Select(cells => cells[0].Trim()));
        var tests = Directory.EnumerateFiles(Repository.PathOf("tests"), "*Tests.cs", SearchOption.AllDirectories).ToLookup(Path.GetFileNameWithoutExtension, File.ReadAllText, StringComparer.Ordinal);
        Assert.All(shown, cells =>
        {
            var named = TestName().Matches(string.Concat(cells.Skip(1))).Select(found => (Class: found.Groups[1].Value, Method: found.Groups[2].Value)).ToList();
            Assert.NotEmpty(named);
            Assert.All(named, test => Assert.Contains(tests[test.Class], text => text.Contains($" {test.Method}(", StringComparison.Ordinal)));
        });
    }

    [GeneratedRegex(@"`(\w+)\.(\w+)`")]
    private static partial Regex TestName();

    /// <summary>What would let two run, or none, and is never done whatever a side knows; null: it is not that.</summary>
    private static string? Forbidden(MigrationMoment moment, Type step) => step.Name switch
    {
        nameof(MigrationStep.ContinueSource) when moment.Phase != StorePhase.Aborted => "the source goes on without ABORT",
        nameof(MigrationStep.TakeBack) when moment.Phase != StorePhase.HandedBack => "the source takes back what nobody gave",
        nameof(MigrationStep.ContinueTarget) when moment.Phase != StorePhase.Committed => "the target runs without COMMIT",
        nameof(MigrationStep.ContinueTarget) when moment.StaysPaused => "the target runs a paused guest",
        nameof(MigrationStep.HoldTarget) when !moment.StaysPaused || moment.Phase != StorePhase.Committed => "the target takes disks without COMMIT, or leaves a guest that ran paused",
        nameof(MigrationStep.Done) when moment.Target is { Qemu: not TargetQemu.Running, HasDisks: false } => "the target is done with what it has not taken",
        nameof(MigrationStep.Finish) when moment.Source.IsLoose && moment.Source.Qemu == SourceQemu.Idle && moment.Phase is StorePhase.Aborted or StorePhase.HandedBack => "the source lets a paused guest run on",
        nameof(MigrationStep.ContinueTarget) when moment.PostCopy && moment.Target.Qemu == TargetQemu.Loaded && moment.Source.Word is not { Completed: true } => "the target runs what the source may have gone on from",
        nameof(MigrationStep.Commit) when moment.Source.Word is not ({ Completed: true } or { AtSwitch: true }) => "the target commits without the source's word",
        nameof(MigrationStep.HandBack) when moment.Target.MayHaveRun => "the target gives back what may have run",
        nameof(MigrationStep.HandBack) when moment.Target.Qemu is not (TargetQemu.None or TargetQemu.Gone) => "the target gives back what it still has",
        nameof(MigrationStep.KillSource) when moment is { Phase: StorePhase.Committed, PostCopy: false, Target.HasTaken: false } => "the source ends before the target has it",
        nameof(MigrationStep.KillSource) when moment.Phase is StorePhase.Prepared or StorePhase.Aborted => "the source ends what is its own",
        _ => null,
    };

    /// <summary>All rows that the side may be in: it does not see where the other is.</summary>
    private static IReadOnlyList<Row> RowsOf(MigrationMoment moment) =>
    [
        .. (from source in moment.Side == MigrationSide.Source ? [moment.Source.Qemu] : Enum.GetValues<SourceQemu>()
            from target in moment.Side == MigrationSide.Target ? [moment.Target.Qemu] : Enum.GetValues<TargetQemu>()
            from mayHaveRun in moment.Side == MigrationSide.Target ? [moment.Target.MayHaveRun] : Both
            let place = new Place(moment.Phase, source, target, moment.PostCopy, mayHaveRun)
            select Rows.First(row => row.Is(place))).Distinct(),
    ];

    private static IEnumerable<MigrationMoment> SourceMoments() =>
        from phase in Enum.GetValues<StorePhase>()
        from postCopy in Both
        from qemu in Enum.GetValues<SourceQemu>()
        from late in new[] { TimeSpan.Zero, MigrationPlan.StallPatience, Long }
        from halted in Both
        from loose in postCopy || halted ? [false] : Both
        from mirrors in new[] { MirrorState.NotNeeded, MirrorState.NotBegun, MirrorState.Ready, MirrorState.Failed }
        from word in SourceWords
        from stop in Both
        from wanted in Both
        from heard in TargetWords
        from taken in Both
        select new MigrationMoment
        {
            Side = MigrationSide.Source, Phase = phase, PostCopy = postCopy, Waited = late, StaysPaused = loose,
            Source = new SourceSeen
            {
                Qemu = qemu, For = late, StalledFor = late, IsHalted = halted, IsLoose = loose, Mirrors = mirrors, Word = word, WantsPostCopy = wanted, Stop = stop ? MigrationFailures.Cancelled : null,
            },
            Target = new TargetSeen { Qemu = TargetQemu.Unknown, Word = heard, HasTaken = taken },
        };

    private static IEnumerable<MigrationMoment> TargetMoments() =>
        from phase in Enum.GetValues<StorePhase>()
        from postCopy in Both
        from qemu in Enum.GetValues<TargetQemu>()
        from late in new[] { TimeSpan.Zero, Long }
        from heard in SourceWords
        from word in TargetWords
        from whole in Both
        from mute in Both
        from mayHaveRun in Both
        from refused in new TimeSpan?[] { null, Long }
        from taken in Both
        from ended in Both
        from overruled in Both
        from paused in postCopy || mayHaveRun ? [false] : Both
        from hasDisks in paused ? Both : [false]
        select new MigrationMoment
        {
            Side = MigrationSide.Target, Phase = phase, PostCopy = postCopy, Waited = late, StaysPaused = paused,
            Source = new SourceSeen { Qemu = SourceQemu.Unknown, Word = heard },
            Target = new TargetSeen
            {
                Qemu = qemu, For = late, Word = word, IsWhole = whole, IsMute = mute, MayHaveRun = mayHaveRun, RefusedFor = refused, HasTaken = taken, HasEnded = ended, IsOverruled = overruled, HasDisks = hasDisks,
            },
        };

    private static readonly bool[] Both = [false, true];

    private static readonly HandoverSource Definition = new() { Nonce = "n", Definition = [1] };

    private static readonly HandoverSource?[] SourceWords =
    [
        null, Definition, Definition with { Completed = true }, Definition with { AtSwitch = true }, Definition with { AtSwitch = true, Completed = true }, Definition with { AtSwitch = true, Ended = true },
        Definition with { AtSwitch = true, Failed = true }, Definition with { AtSwitch = true, Breaks = 1 },
    ];

    private static readonly HandoverTarget Listening = new() { Nonce = "n", State = HandoverTargetState.Listening };

    private static readonly HandoverTarget?[] TargetWords =
        [null, Listening, Listening with { Recoveries = 1 }, Listening with { State = HandoverTargetState.Whole }, Listening with { State = HandoverTargetState.Failed }];

    /// <summary>Where all three are; neither side sees all of it.</summary>
    private readonly record struct Place(StorePhase Store, SourceQemu Source, TargetQemu Target, bool PostCopy, bool MayHaveRun);

    private sealed record Row(string Name, Func<Place, bool> Is)
    {
        public required IReadOnlyList<Type> Source { get; init; }

        public required IReadOnlyList<Type> Target { get; init; }
    }
}
