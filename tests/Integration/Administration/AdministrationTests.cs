using System.Formats.Tar;
using System.IO.Compression;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Server.Auth;
using Lamina.Server.Backups;
using Lamina.Testing;
using Lamina.Testing.Server;
using Xunit;

namespace Lamina.Tests.Integration.Administration;

/// <summary>What administrators do seldom and must be able to rely on.</summary>
public sealed class AdministrationTests : IAsyncLifetime
{
    private const string Password = "correct horse battery";

    private readonly TemporaryFolder _folder = new();
    private TestDaemon _daemon = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private LaminaClient Root => _daemon.Client;

    public async ValueTask InitializeAsync() => _daemon = await TestDaemon.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _daemon.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_backup_brings_records_and_keys_back()
    {
        await Root.Users.CreateAsync(new UserCreate { Name = "ann", Password = Password, Role = Role.Viewer }, Token);
        string file = _folder.File("backup.tar.gz");
        await using (var target = File.Create(file)) await Root.Server.BackupAsync(target, Token);
        await Root.Users.CreateAsync(new UserCreate { Name = "later", Password = Password }, Token);
        string ca = _daemon.Daemon.CaFingerprint;

        await _daemon.RestartAsync(async () =>
        {
            Directory.Delete(_daemon.Instance.SecretsDirectory, recursive: true);
            await StateRestore.RunAsync(_daemon.Instance, file, TimeProvider.System, TextWriter.Null, Token);
        });

        Assert.Equal(ca, _daemon.Daemon.CaFingerprint);
        // A client that remembers a revision of the former store is told so once.
        Assert.Equal("revision.otherStore", (await Assert.ThrowsAsync<LaminaException>(() => Root.Server.WhoAmIAsync(Token))).Problem.Code);
        var users = await Root.Users.ListAsync(Token).Select(user => user.Name).ToListAsync(Token);
        Assert.Equal(["admin", "ann"], users.Order());
        using var ann = await LogInAsync("ann", Password);
        Assert.Equal("user:ann", (await ann.Server.WhoAmIAsync(Token)).Subject);
        Assert.Single(Directory.EnumerateFiles(_daemon.Instance.StoreDirectory, "store.db.before-restore-*"));
    }

    [Fact]
    public async Task Nothing_is_restored_beside_a_running_daemon()
    {
        string file = _folder.File("backup.tar.gz");
        await using (var target = File.Create(file)) await Root.Server.BackupAsync(target, Token);
        await Assert.ThrowsAsync<Lamina.Server.Store.StoreRefusedException>(
            () => StateRestore.RunAsync(_daemon.Instance, file, TimeProvider.System, TextWriter.Null, Token));
    }

    [Fact]
    public async Task The_support_bundle_holds_facts_and_no_secret()
    {
        var created = await Root.Tokens.CreateAsync(new TokenCreate { Name = "ci", Role = Role.Viewer }, Token);
        await Root.Users.CreateAsync(new UserCreate { Name = "ann", Password = Password }, Token);
        await Root.Vms.CreateAsync(new VmCreate { Name = "web1", Notes = "root password: hunter2hunter2", CloudInit = new CloudInitCreate { Password = "guest-secret-phrase" } }, Token);
        using var bundle = new MemoryStream();

        await Root.Server.SupportBundleAsync(bundle, null, Token);

        var files = await ReadAsync(bundle);
        Assert.Contains("web1", files["records/vms-spec.txt"], StringComparison.Ordinal);
        Assert.Contains("\"checks\"", files["doctor.json"], StringComparison.Ordinal);
        Assert.Contains("POST /v1/vms 202", files["log.txt"], StringComparison.Ordinal);
        string all = string.Concat(files.Values);
        foreach (string secret in new[] { created.Secret, Password, "hunter2", "guest-secret-phrase", _daemon.AdminPassword, "PRIVATE KEY", "passwordHash", "secretSha256" })
            Assert.DoesNotContain(secret, all, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_log_of_one_request_is_found_by_its_id()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/pools/nowhere");
        request.Headers.Add("X-Request-Id", "find-me-1");
        using var answer = await _daemon.Local.SendAsync(request, Token);

        var lines = await Root.Server.LogsAsync("find-me-1", null, null, null, Token);

        Assert.Contains(lines, line => line.Message.Contains("GET /v1/pools/nowhere 404", StringComparison.Ordinal));
        Assert.All(lines, line => Assert.Equal("find-me-1", line.RequestId));
    }

    [Fact]
    public async Task Root_sets_a_lost_password_anew_and_the_first_ones_file_goes()
    {
        string first = Path.Combine(_daemon.Instance.DataDirectory, FirstAdmin.PasswordFile);
        Assert.True(File.Exists(first));

        await Root.Users.SetPasswordAsync("admin", new PasswordChange { Password = Password }, Token);

        using var admin = await LogInAsync("admin", Password);
        Assert.Equal("user:admin", (await admin.Server.WhoAmIAsync(Token)).Subject);
        Assert.False(File.Exists(first));
    }

    [Fact]
    public async Task An_own_certificate_is_shown_under_its_names_and_the_installations_under_others()
    {
        using var ca = Certificates.CreateCa("Company CA", TimeProvider.System.GetUtcNow());
        using var own = Certificates.CreateServer(ca, ["lamina.example"], TimeProvider.System.GetUtcNow());
        using var key = own.GetECDsaPrivateKey()!;
        var set = new ServerCertificateSet { CertificatePem = own.ExportCertificatePem(), PrivateKeyPem = key.ExportPkcs8PrivateKeyPem() };

        var shown = await Root.Server.SetCertificateAsync(set, Token);

        Assert.True(shown.Own);
        Assert.Equal(own.Thumbprint, await ThumbprintAsync("lamina.example"));
        Assert.NotEqual(own.Thumbprint, await ThumbprintAsync("localhost"));
        await _daemon.RestartAsync();
        Assert.Equal(own.Thumbprint, await ThumbprintAsync("lamina.example"));
        await Root.Server.ResetCertificateAsync(Token);
        Assert.NotEqual(own.Thumbprint, await ThumbprintAsync("lamina.example"));
    }

    private static async Task<Dictionary<string, string>> ReadAsync(MemoryStream bundle)
    {
        bundle.Position = 0;
        var files = new Dictionary<string, string>(StringComparer.Ordinal);
        await using var tar = new TarReader(new GZipStream(bundle, CompressionMode.Decompress));
        while (await tar.GetNextEntryAsync(copyData: true, Token) is { } entry)
        {
            using var content = new StreamReader(entry.DataStream ?? Stream.Null, Encoding.UTF8);
            files[entry.Name] = await content.ReadToEndAsync(Token);
        }

        return files;
    }

    private async Task<string> ThumbprintAsync(string name)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(_daemon.Address.Host, _daemon.Address.Port, Token);
#pragma warning disable CA5359 // Which certificate is shown is the question here.
        await using var tls = new SslStream(socket.GetStream(), false, (_, _, _, _) => true);
#pragma warning restore CA5359
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = name }, Token);
        using var certificate = new X509Certificate2(tls.RemoteCertificate!);
        return certificate.Thumbprint;
    }

    private async Task<LaminaClient> LogInAsync(string user, string password)
    {
        string ca = await CaPin.FetchAsync(_daemon.Address, _daemon.Daemon.CaFingerprint, Token);
        var options = new LaminaClientOptions { Address = _daemon.Address, CaPem = ca };
        using var anonymous = new LaminaClient(options);
        var session = await anonymous.Sessions.CreateAsync(new SessionCreate { User = user, Password = password }, Token);
        return new LaminaClient(options with { Token = session.Token });
    }
}
