using CsCheck;
using Lamina.Server.Metrics.History;
using Lamina.Testing;

namespace Lamina.Tests.Unit.Metrics;

public sealed class RingFileTests : IDisposable
{
    private const long Noon = 1_700_000_400 - (1_700_000_400 % 600);

    private readonly TemporaryFolder _folder = new();

    private string FilePath => Path.Join(_folder.Path, "x.ring");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_was_added_is_read_by_another_daemon()
    {
        new RingFile(FilePath).Append(Noon + 3, [1, 2]);
        new RingFile(FilePath).Append(Noon + 13, [3, float.NaN]);
        var rows = new RingFile(FilePath).Read(0, Noon, Noon + 60);
        Assert.Equal([Noon + 3, Noon + 13], rows.Select(row => row.Time));
        Assert.Equal([1, 3], rows.Select(row => row.Values[0]));
        Assert.True(float.IsNaN(rows[1].Values[1]));
        Assert.True(float.IsNaN(rows[0].Values[RingRow.Columns - 1]));
    }

    [Fact]
    public void The_file_never_grows_and_the_newest_hour_stays()
    {
        var file = new RingFile(FilePath);
        for (int index = 0; index < 1000; index++) file.Append(Noon + (10 * index), [index]);
        Assert.Equal(RingLayout.FileBytes, new FileInfo(FilePath).Length);
        var rows = file.Read(0, 0, long.MaxValue);
        Assert.Equal(360, rows.Count);
        Assert.Equal(Enumerable.Range(640, 360), rows.Select(row => (int)row.Values[0]));
    }

    [Fact]
    public void Minutes_and_tens_of_them_are_means()
    {
        var file = new RingFile(FilePath);
        for (int index = 0; index < 130; index++) file.Append(Noon + (10 * index), [index, float.NaN]);
        var minutes = file.Read(1, Noon, Noon + 120);
        Assert.Equal([2.5f, 8.5f], minutes.Select(row => row.Values[0]));
        Assert.True(float.IsNaN(minutes[0].Values[1]));
        Assert.Equal([29.5f, 89.5f], file.Read(2, Noon, Noon + 1200).Select(row => row.Values[0]));
    }

    [Fact]
    public void A_step_in_which_the_daemon_ended_is_closed_by_the_next_one()
    {
        new RingFile(FilePath).Append(Noon, [4]);
        new RingFile(FilePath).Append(Noon + 10, [6]);
        new RingFile(FilePath).Append(Noon + 5000, [100]);
        Assert.Equal([5f], new RingFile(FilePath).Read(1, Noon, Noon + 4000).Select(row => row.Values[0]));
        Assert.Equal([5f], new RingFile(FilePath).Read(2, Noon, Noon + 4000).Select(row => row.Values[0]));
    }

    [Fact]
    public void A_clock_that_jumps_back_writes_where_it_is_and_nothing_of_later_is_shown_before_its_time()
    {
        var file = new RingFile(FilePath);
        for (int index = 0; index < 60; index++) file.Append(Noon + (10 * index), [1]);
        for (int index = 0; index < 30; index++) file.Append(Noon - 600 + (10 * index), [2]);
        Assert.All(file.Read(0, Noon - 600, Noon - 300), row => Assert.Equal(2, row.Values[0]));
        Assert.Equal(30, file.Read(0, Noon - 600, Noon - 300).Count);
        Assert.All(file.Read(1, Noon - 600, Noon - 300), row => Assert.Equal(2, row.Values[0]));
    }

    [Fact]
    public void A_clock_that_jumps_ahead_leaves_a_gap()
    {
        var file = new RingFile(FilePath);
        file.Append(Noon, [1]);
        file.Append(Noon + 86_400, [2]);
        Assert.Equal([2f], file.Read(0, Noon + 80_000, Noon + 90_000).Select(row => row.Values[0]));
        Assert.Empty(file.Read(1, Noon + 60, Noon + 86_400));
        Assert.Equal([1f], file.Read(1, Noon, Noon + 60).Select(row => row.Values[0]));
    }

    public static TheoryData<string> Damages => ["header", "short", "long", "empty", "text"];

    [Theory]
    [MemberData(nameof(Damages))]
    public void A_damaged_file_is_set_aside_and_a_new_one_begun(string damage)
    {
        new RingFile(FilePath).Append(Noon, [1]);
        switch (damage)
        {
            case "header":
                using (var file = new FileStream(FilePath, FileMode.Open)) file.WriteByte(0);
                break;
            case "short":
                using (var file = new FileStream(FilePath, FileMode.Open)) file.SetLength(100_000);
                break;
            case "long":
                using (var file = new FileStream(FilePath, FileMode.Open)) file.SetLength(RingLayout.FileBytes + 1);
                break;
            case "empty":
                File.WriteAllBytes(FilePath, []);
                break;
            default:
                File.WriteAllText(FilePath, "not a ring");
                break;
        }

        string? setAside = new RingFile(FilePath).Append(Noon + 10, [7]);
        // An empty file is one that was being made.
        Assert.Equal(damage != "empty", setAside is not null && File.Exists(setAside));
        Assert.Equal([7f], new RingFile(FilePath).Read(0, Noon, Noon + 60).Select(row => row.Values[0]));
    }

    [Fact]
    public void A_row_that_is_half_written_counts_as_absent()
    {
        var ring = new RingFile(FilePath);
        ring.Append(Noon, [1]);
        ring.Append(Noon + 10, [2]);
        using (var file = new FileStream(FilePath, FileMode.Open))
        {
            file.Position = RingLayout.OffsetOf(0, RingLayout.Levels[0].SlotOf(Noon)) + 20;
            file.WriteByte(0x55);
        }

        Assert.Equal([2f], new RingFile(FilePath).Read(0, Noon, Noon + 60).Select(row => row.Values[0]));
    }

    [Fact]
    public void A_folder_that_is_not_there_has_no_past() => Assert.Empty(new RingFile(Path.Join(_folder.Path, "none", "x.ring")).Read(0, 0, long.MaxValue));

    /// <summary>Whatever the clock does: what was written last at a time is read there, or was overwritten by something an hour or more apart.</summary>
    [Fact]
    public void The_last_row_is_always_read() => Gen.Int[-5000, 5000].Array[1, 60].Sample(
        jumps =>
        {
            string path = Path.Join(_folder.Path, Guid.NewGuid().ToString());
            var ring = new RingFile(path);
            long time = Noon;
            for (int index = 0; index < jumps.Length; index++)
            {
                time += jumps[index];
                ring.Append(time, [index]);
                var found = ring.Read(0, time, time + 1);
                Assert.Equal(index, Assert.Single(found).Values[0]);
                var all = ring.Read(0, 0, long.MaxValue);
                Assert.Equal(all.Count, all.Select(row => row.Time / 10).Distinct().Count());
                Assert.True(all.Count <= 360);
            }

            File.Delete(path);
        },
        iter: 40,
        threads: 1);
}
