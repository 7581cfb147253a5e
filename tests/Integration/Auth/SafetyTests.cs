using System.Net;
using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Server.Auth;
using Lamina.Testing.Server;

namespace Lamina.Tests.Integration.Auth;

/// <summary>What guessing, flooding, restarts and false servers get. Each test has a daemon of its own.</summary>
public sealed class SafetyTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Guessing_is_slowed_down_and_the_audit_stays_bounded()
    {
        await using var daemon = await TestDaemon.StartAsync();
        using var nobody = new LaminaClient(await PinnedAsync(daemon));
        var codes = new List<string>();
        for (int i = 0; i < DenialAudit.Burst * 3; i++)
        {
            var refusal = await Assert.ThrowsAsync<LaminaException>(() =>
                nobody.Sessions.CreateAsync(new SessionCreate { User = "admin", Password = $"guess number {i}" }, Token));
            codes.Add(refusal.Problem.Code);
        }

        Assert.Equal(Enumerable.Repeat("auth.failed", LoginThrottle.FreeFailuresOfUser + 1), codes.Take(LoginThrottle.FreeFailuresOfUser + 1));
        Assert.Contains("auth.throttled", codes);
        Assert.True(codes.Count(code => code == "auth.failed") < 10, string.Join(' ', codes));

        var entries = await DeniedAsync(daemon, atLeast: DenialAudit.Burst);
        Assert.InRange(entries.Count, DenialAudit.Burst, DenialAudit.Burst * 2);
        Assert.All(entries, entry => Assert.Equal(("anonymous", "admin", "127.0.0.1"), (entry.Subject, entry.Target?.Id, entry.RemoteAddress)));
    }

    [Fact]
    public async Task A_throttled_log_in_says_when_to_try_again()
    {
        await using var daemon = await TestDaemon.StartAsync();
        using var http = new HttpClient(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = static (_, _, _, _) => true } });
        HttpResponseMessage answer;
        do
        {
            using var body = new StringContent("""{"user":"nobody","password":"guess"}""", null, "application/json");
            answer = await http.PostAsync(new Uri(daemon.Address, "/v1/sessions"), body, Token);
        }
        while (answer.StatusCode == HttpStatusCode.Unauthorized);

        Assert.Equal(HttpStatusCode.TooManyRequests, answer.StatusCode);
        Assert.True(answer.Headers.RetryAfter!.Delta > TimeSpan.Zero);
        answer.Dispose();
    }

    [Fact]
    public async Task A_restart_keeps_the_CA_and_the_sessions_and_makes_no_second_password()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var options = await PinnedAsync(daemon);
        using var anonymous = new LaminaClient(options);
        var session = await anonymous.Sessions.CreateAsync(new SessionCreate { User = FirstAdmin.Name, Password = daemon.AdminPassword }, Token);
        string file = Path.Combine(daemon.Instance.DataDirectory, FirstAdmin.PasswordFile);
        Assert.Equal(daemon.AdminPassword, (await File.ReadAllTextAsync(file, Token)).Trim());
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));

        string fingerprint = daemon.Daemon.CaFingerprint;
        await daemon.RestartAsync();
        Assert.Null(daemon.Daemon.FirstPassword);
        Assert.Equal(fingerprint, daemon.Daemon.CaFingerprint);
        using var admin = new LaminaClient(options with { Token = session.Token });
        Assert.Equal("user:admin", (await admin.Server.WhoAmIAsync(Token)).Subject);
    }

    [Fact]
    public async Task Only_the_pinned_CA_is_trusted()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var other = await TestDaemon.StartAsync();
        var false_ = await Assert.ThrowsAsync<LaminaUnreachableException>(() => CaPin.FetchAsync(daemon.Address, other.Daemon.CaFingerprint, Token));
        Assert.Contains(daemon.Daemon.CaFingerprint, false_.Message, StringComparison.Ordinal);

        using var unpinned = new LaminaClient(new LaminaClientOptions { Address = daemon.Address });
        var untrusted = await Assert.ThrowsAsync<LaminaUnreachableException>(() => unpinned.Server.GetAsync(Token));
        Assert.Contains("not trusted", untrusted.Message, StringComparison.Ordinal);

        using var crossed = new LaminaClient((await PinnedAsync(other)) with { Address = daemon.Address });
        await Assert.ThrowsAsync<LaminaUnreachableException>(() => crossed.Server.GetAsync(Token));
        using var pinned = new LaminaClient(await PinnedAsync(daemon));
        Assert.Equal(daemon.Daemon.CaFingerprint, (await pinned.Server.GetAsync(Token)).CaFingerprint);
    }

    [Fact]
    public async Task The_client_reads_on_over_a_restart()
    {
        await using var daemon = await TestDaemon.StartAsync();
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Token);
        deadline.CancelAfter(TimeSpan.FromMinutes(1));
        await using var watch = daemon.Client.Server.WatchAsync(["projects"], deadline.Token).GetAsyncEnumerator(deadline.Token);
        await UntilAsync(watch, change => change.Action == WatchAction.Synced);

        await daemon.Client.Projects.CreateAsync(new Project { Name = "before" }, Token);
        await UntilAsync(watch, change => change is { Action: WatchAction.Put, Id: "before" });
        await daemon.RestartAsync();
        await daemon.Client.Projects.CreateAsync(new Project { Name = "after" }, Token);
        await UntilAsync(watch, change => change.Action == WatchAction.Resync);
        await UntilAsync(watch, change => change is { Action: WatchAction.Put, Id: "after" });
        Assert.Contains(await daemon.Client.Projects.ListAsync(Token).ToListAsync(Token), project => project.Name == "after");
    }

    private static async Task UntilAsync(IAsyncEnumerator<WatchChange> watch, Func<WatchChange, bool> wanted)
    {
        do Assert.True(await watch.MoveNextAsync());
        while (!wanted(watch.Current));
    }

    private static async Task<LaminaClientOptions> PinnedAsync(TestDaemon daemon) =>
        new() { Address = daemon.Address, CaPem = await CaPin.FetchAsync(daemon.Address, daemon.Daemon.CaFingerprint, Token) };

    /// <summary>The refusals in the audit; they are written beside the requests, so they are waited for.</summary>
    private static async Task<IReadOnlyList<AuditEntry>> DeniedAsync(TestDaemon daemon, int atLeast)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Token);
        deadline.CancelAfter(TimeSpan.FromSeconds(30));
        while (true)
        {
            var all = await daemon.Client.Events.ListAuditAsync(deadline.Token).ToListAsync(deadline.Token);
            var denied = all.Where(entry => entry.StatusCode is 401 or 403 or 429).ToList();
            if (denied.Count >= atLeast) return denied;
            await Task.Delay(TimeSpan.FromMilliseconds(50), deadline.Token);
        }
    }
}
