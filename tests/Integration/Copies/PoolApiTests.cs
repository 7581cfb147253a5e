using Lamina.Api;
using Lamina.Server.Pools;
using Lamina.Testing.Server;

namespace Lamina.Tests.Integration.Copies;

/// <summary>Pools as people make them: folders of this machine, good ones and bad ones.</summary>
public sealed class PoolApiTests(CopyDaemon world) : IClassFixture<CopyDaemon>
{
    [Fact]
    public async Task A_pool_is_made_shown_changed_and_given_back()
    {
        string path = world.File("fast");
        await world.SucceedsAsync(world.Client.Pools.CreateAsync(new PoolCreate { Name = "fast", Path = path, Notes = "NVMe" }, world.Deadline));

        var pool = (await world.Client.Pools.GetAsync("fast", world.Deadline)).Value;
        Assert.Equal((path, "NVMe"), (pool.Spec.Path, pool.Spec.Notes));
        Assert.Equal(pool.Id, PoolFolder.MarkOf(new PoolPaths(path)));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(path));
        await UntilAsync(pool => pool is { Name: "fast", Status: { Available: true, FileSystem: not null } });
        var changed = await world.Client.Pools.UpdateAsync("fast", new PoolUpdate { OverProvisionPercent = 1, ReserveBytes = 0 }, null, world.Deadline);
        Assert.Equal((1, 0L, "NVMe"), (changed.Spec.OverProvisionPercent, changed.Spec.ReserveBytes, changed.Spec.Notes));

        long beyond = ((await world.Client.Pools.GetAsync("fast", world.Deadline)).Value.Status!.TotalBytes / 100 | 511) + 1;
        Assert.Equal("pool.overProvisioned", (await CopyDaemon.RefusedAsync(world.Client.Disks.CreateAsync(new DiskCreate { Name = "huge", Pool = "fast", SizeBytes = beyond }, world.Deadline))).Problems![0].Code);
        await world.SucceedsAsync(world.Client.Disks.CreateAsync(new DiskCreate { Name = "small", Pool = "fast", SizeBytes = 1 << 20 }, world.Deadline));
        Assert.Equal("pool.notEmpty", (await CopyDaemon.RefusedAsync(world.Client.Pools.DeleteAsync("fast", world.Deadline))).Code);
        await world.SucceedsAsync(world.Client.Disks.DeleteAsync("small", world.Deadline));
        await world.SucceedsAsync(world.Client.Pools.DeleteAsync("fast", world.Deadline));
        Assert.Empty(Directory.GetFileSystemEntries(path));
        await world.SucceedsAsync(world.Client.Pools.CreateAsync(new PoolCreate { Name = "fast", Path = path }, world.Deadline));
        await world.SucceedsAsync(world.Client.Pools.DeleteAsync("fast", world.Deadline));
        Assert.Equal("pool.default", (await CopyDaemon.RefusedAsync(world.Client.Pools.DeleteAsync("default", world.Deadline))).Code);
    }

    [Fact]
    public async Task Folders_that_are_no_place_for_a_pool_are_refused_and_the_name_stays_free()
    {
        Directory.CreateDirectory(world.File("full"));
        await File.WriteAllTextAsync(world.File("full/letter"), "to somebody", world.Deadline);
        Directory.CreateDirectory(world.File("real"));
        File.CreateSymbolicLink(world.File("link"), world.File("real"));
        Directory.CreateDirectory(world.File("open"));
        File.SetUnixFileMode(world.File("open"), (UnixFileMode)0b111_111_111);
        await File.WriteAllTextAsync(world.File("file"), "", world.Deadline);
        (string Path, string Code)[] bad =
        [
            (world.File("full"), "pool.folderNotEmpty"),
            (world.File("link"), "pool.symbolicLink"),
            (world.File("link/below"), "pool.symbolicLink"),
            (world.File("open/below"), "pool.notOurs"),
            (world.File("none/below"), "pool.parentMissing"),
            (world.File("file"), "pool.notWritable"),
            ("/proc/self/task", "pool.systemFolder"),
        ];
        foreach (var (path, code) in bad[..^1])
            Assert.Equal((path, code), (path, (await world.FailsAsync(world.Client.Pools.CreateAsync(new PoolCreate { Name = "bad", Path = path }, world.Deadline))).Code));
        Assert.Equal(bad[^1].Code, (await CopyDaemon.RefusedAsync(world.Client.Pools.CreateAsync(new PoolCreate { Name = "bad", Path = bad[^1].Path }, world.Deadline))).Problems![0].Code);
        Assert.Equal("to somebody", await File.ReadAllTextAsync(world.File("full/letter"), world.Deadline));

        string taken = world.File("taken");
        await world.SucceedsAsync(world.Client.Pools.CreateAsync(new PoolCreate { Name = "bad", Path = taken }, world.Deadline));
        Assert.Equal("pool.samePath", (await CopyDaemon.RefusedAsync(world.Client.Pools.CreateAsync(new PoolCreate { Name = "two", Path = taken }, world.Deadline))).Problems![0].Code);
        Assert.Equal("pool.nested", (await CopyDaemon.RefusedAsync(world.Client.Pools.CreateAsync(new PoolCreate { Name = "two", Path = taken + "/disks" }, world.Deadline))).Problems![0].Code);
        await world.SucceedsAsync(world.Client.Pools.DeleteAsync("bad", world.Deadline));
    }

    [Fact]
    public async Task A_pool_whose_folder_is_another_one_says_so_and_harms_no_other()
    {
        string path = world.File("mounted");
        await world.SucceedsAsync(world.Client.Pools.CreateAsync(new PoolCreate { Name = "mounted", Path = path }, world.Deadline));
        Directory.Move(path, world.File("unmounted"));
        Directory.CreateDirectory(path);

        Assert.Equal("pool.unavailable", (await world.FailsAsync(world.Client.Disks.CreateAsync(new DiskCreate { Name = "lost", Pool = "mounted", SizeBytes = 1 << 20 }, world.Deadline))).Code);
        Assert.Empty(Directory.GetFileSystemEntries(path));
        await world.SucceedsAsync(world.Client.Disks.CreateAsync(new DiskCreate { Name = "found", SizeBytes = 1 << 20 }, world.Deadline));
        await world.SucceedsAsync(world.Client.Disks.DeleteAsync("found", world.Deadline));
        await UntilAsync(pool => pool is { Name: "mounted", Status: { Available: false, Failure.Code: "pool.unavailable" } });

        Directory.Delete(path);
        Directory.Move(world.File("unmounted"), path);
        await world.SucceedsAsync(world.Client.Disks.CreateAsync(new DiskCreate { Name = "lost", Pool = "mounted", SizeBytes = 1 << 20 }, world.Deadline));
        await world.SucceedsAsync(world.Client.Disks.DeleteAsync("lost", world.Deadline));
        await world.SucceedsAsync(world.Client.Pools.DeleteAsync("mounted", world.Deadline));
    }

    private Task UntilAsync(Func<Pool, bool> isSo) => world.Client.UntilAsync("pools", ApiJson.Default.Pool, pools => pools.Any(isSo), world.Deadline);
}
