using Lamina.Api;
using Lamina.Server.Auth;
using Lamina.Server.Control;
using Lamina.Testing;
using Lamina.Testing.Store;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Lamina.Tests.Unit.Auth;

/// <summary>What the room writes by itself: the first administrator, the ends of sessions.</summary>
public sealed class AuthStoreTests : IAsyncLifetime
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    private readonly FakeTimeProvider _time = new(AuthWorld.Now);
    private readonly TestStore _store = TestStore.Create();
    private readonly TemporaryFolder _folder = new();
    private readonly Passwords _passwords = new();
    private readonly Cache _cache;

    public AuthStoreTests() => _cache = new Cache(_store.Store, Keys.Cached, TimeProvider.System, NullLogger<Cache>.Instance);

    public async ValueTask InitializeAsync() => await _cache.StartAsync();

    [Fact]
    public async Task TheFirstStartMakesAnAdministratorAndTheSecondDoesNot()
    {
        string? password = await EnsureAsync();
        Assert.Equal(password, File.ReadAllText(_folder.File(FirstAdmin.PasswordFile)).Trim());
        await SeenAsync(snapshot => snapshot.Count(Keys.Users) == 1);
        var user = _cache.Snapshot.Get(Keys.Users, FirstAdmin.Name)!.Record;
        Assert.True(await _passwords.VerifyAsync(FirstAdmin.Name, user.PasswordHash, password!, default));
        Assert.True(Identification.RightsOfUser(_cache.Snapshot, FirstAdmin.Name).Contain(Role.Admin, "*"));
        Assert.Null(await EnsureAsync());
    }

    [Fact]
    public async Task ADeathBeforeTheCommitLosesNoPassword()
    {
        File.WriteAllText(_folder.File(FirstAdmin.PasswordFile), "written-before-the-death\n");
        Assert.Equal("written-before-the-death", await EnsureAsync());
    }

    [Fact]
    public async Task AUsedSessionLivesOn()
    {
        await PutSessionAsync("a", AuthWorld.Now + SessionRules.Idle);
        var upkeep = new SessionUpkeep(_store.Store, _cache, _time, NullLogger<SessionUpkeep>.Instance);
        _time.Advance(TimeSpan.FromHours(2));
        upkeep.Used("a", _cache.Snapshot.Get(Keys.Sessions, "a")!.Record);
        await SeenAsync(snapshot => snapshot.Get(Keys.Sessions, "a")!.Record.ExpiresAt == AuthWorld.Now.AddHours(2) + SessionRules.Idle);
    }

    [Fact]
    public async Task ASessionLoggedOutMeanwhileStaysGone()
    {
        await PutSessionAsync("a", AuthWorld.Now + SessionRules.Idle);
        var session = _cache.Snapshot.Get(Keys.Sessions, "a")!.Record;
        var upkeep = new SessionUpkeep(_store.Store, _cache, _time, NullLogger<SessionUpkeep>.Instance);
        await new StoreChange("session.delete").Delete(Keys.Sessions["a"]).CommitAsync(_store.Store, TimeProvider.System);
        _time.Advance(TimeSpan.FromHours(2));
        upkeep.Used("a", session);
        await PutSessionAsync("b", AuthWorld.Now + SessionRules.Idle);
        upkeep.Used("b", _cache.Snapshot.Get(Keys.Sessions, "b")!.Record);
        await SeenAsync(snapshot => snapshot.Get(Keys.Sessions, "b")!.Record.ExpiresAt > AuthWorld.Now + SessionRules.Idle);
        Assert.Null(await _store.Store.GetAsync(Keys.Sessions["a"]));
    }

    [Fact]
    public async Task EndedSessionsAreSwept()
    {
        for (int i = 0; i < 150; i++) await PutSessionAsync($"old{i}", AuthWorld.Now.AddMinutes(1));
        await PutSessionAsync("young", AuthWorld.Now.AddHours(1));
        _time.Advance(TimeSpan.FromMinutes(1));
        await new SessionUpkeep(_store.Store, _cache, _time, NullLogger<SessionUpkeep>.Instance).SweepAsync(default);
        await SeenAsync(snapshot => snapshot.Count(Keys.Sessions) == 1);
        Assert.NotNull(_cache.Snapshot.Get(Keys.Sessions, "young"));
    }

    public async ValueTask DisposeAsync()
    {
        await _cache.DisposeAsync();
        await _store.DisposeAsync();
        _passwords.Dispose();
        _folder.Dispose();
    }

    private Task<string?> EnsureAsync() =>
        FirstAdmin.EnsureAsync(_store.Store, _cache.Snapshot, _passwords, _folder.Path, TimeProvider.System, default);

    private async Task PutSessionAsync(string id, DateTimeOffset expiresAt)
    {
        var commit = await new StoreChange("session.create")
            .Put(Keys.Sessions, id, new SessionRecord { User = "ann", CreatedAt = AuthWorld.Now, ExpiresAt = expiresAt })
            .CommitAsync(_store.Store, TimeProvider.System);
        Assert.True(await _cache.WaitForRevisionAsync(commit.Revision, Deadline));
    }

    private async Task SeenAsync(Func<CacheSnapshot, bool> wanted)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        using var subscription = _cache.Subscribe(Keys.Users, Keys.Sessions);
        if (wanted(subscription.Start)) return;
        await foreach (var batch in subscription.ReadAllAsync(deadline.Token))
        {
            if (wanted(batch.Snapshot)) return;
        }
    }
}
