using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Testing;
using Lamina.Testing.Server;
using Lamina.Testing.Storage;
using Xunit;

namespace Lamina.Tests.Integration.Images;

/// <summary>Uploads, images, media and pools through a whole daemon, as the command line uses them.</summary>
public sealed class StorageApiTests(SharedDaemon shared) : IClassFixture<SharedDaemon>, IDisposable
{
    private readonly TestDaemon _daemon = shared.Daemon;
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Deadline => TestContext.Current.CancellationToken;

    private LaminaClient Client => _daemon.Client;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task An_upload_comes_in_pieces_and_goes_on_where_it_stopped()
    {
        var content = RandomNumberGenerator.GetBytes(100_000);
        var upload = await Client.Uploads.CreateAsync(new UploadCreate { SizeBytes = content.Length }, Deadline);

        Assert.Equal((HttpStatusCode.NoContent, "60000"), await AppendAsync(upload.Id, 0, content[..60_000]));
        Assert.Equal(60_000, await Client.Uploads.GetOffsetAsync(upload.Id, Deadline));
        Assert.Equal(HttpStatusCode.Conflict, (await AppendAsync(upload.Id, 0, content[..10])).Status);
        Assert.Equal(HttpStatusCode.Conflict, (await AppendAsync(upload.Id, 60_001, content[60_001..])).Status);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await AppendAsync(upload.Id, 60_000, new byte[40_001])).Status);
        Assert.Equal(60_000, await Client.Uploads.GetOffsetAsync(upload.Id, Deadline));
        Assert.Equal(100_000, await Client.Uploads.ResumeAsync(upload.Id, new MemoryStream(content), null, Deadline));

        var stored = await File.ReadAllBytesAsync(Path.Join(_daemon.Instance.DefaultPoolDirectory, "uploads", upload.Id), Deadline);
        Assert.Equal(content, stored);
        await Client.Uploads.DeleteAsync(upload.Id, Deadline);
        Assert.False(File.Exists(Path.Join(_daemon.Instance.DefaultPoolDirectory, "uploads", upload.Id)));
        Assert.Equal("upload.notFound", (await Assert.ThrowsAsync<LaminaException>(() => Client.Uploads.DeleteAsync(upload.Id, Deadline))).Problem.Code);
    }

    [Fact]
    public async Task An_upload_goes_on_after_a_restart_of_the_daemon()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var content = RandomNumberGenerator.GetBytes(300_000);
        var upload = await daemon.Client.Uploads.CreateAsync(new UploadCreate { SizeBytes = content.Length }, Deadline);
        await Assert.ThrowsAnyAsync<Exception>(() => daemon.Client.Uploads.ResumeAsync(upload.Id, new BrokenStream(content, 100_000), null, Deadline));

        await daemon.RestartAsync();

        var offset = await daemon.Client.Uploads.GetOffsetAsync(upload.Id, Deadline);
        Assert.InRange(offset, 0, 100_000);
        Assert.Equal(content.Length, await daemon.Client.Uploads.ResumeAsync(upload.Id, new MemoryStream(content), null, Deadline));
        Assert.Equal(content, await File.ReadAllBytesAsync(Path.Join(daemon.Instance.DefaultPoolDirectory, "uploads", upload.Id), Deadline));
    }

    [Fact]
    public async Task A_request_without_its_offset_is_refused()
    {
        var upload = await Client.Uploads.CreateAsync(new UploadCreate { SizeBytes = 10 }, Deadline);
        using var request = new HttpRequestMessage(HttpMethod.Patch, $"/v1/uploads/{upload.Id}") { Content = new ByteArrayContent([1]) };
        using var response = await _daemon.Local.SendAsync(request, Deadline);
        Assert.Equal("Upload-Offset", Assert.Single((await ProblemOfAsync(response)).Problems!).Path);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-5)]
    public async Task An_upload_of_nothing_is_refused(long size)
    {
        var refused = await Assert.ThrowsAsync<LaminaException>(() => Client.Uploads.CreateAsync(new UploadCreate { SizeBytes = size }, Deadline));
        Assert.Equal("$.sizeBytes", Assert.Single(refused.Problem.Problems!).Path);
    }

    [Fact]
    public async Task An_upload_that_does_not_fit_is_refused_before_a_byte_comes()
    {
        var refused = await Assert.ThrowsAsync<LaminaException>(() => Client.Uploads.CreateAsync(new UploadCreate { SizeBytes = 60L << 40 }, Deadline));
        Assert.Equal((507, "pool.full"), (refused.Problem.Status, refused.Problem.Code));
    }

    [Fact]
    public async Task A_disk_is_imported_listed_shown_and_deleted()
    {
        var raw = _folder.File("disk.raw");
        DiskFiles.WriteRaw(raw, 8);
        var upload = await UploadAsync(raw);

        var operation = await Client.Operations.WaitAsync((await Client.Images.CreateAsync(new ImageCreate { Name = "mine/1.0", Upload = upload.Id, CloudInit = false }, Deadline)).Id, null, Deadline);

        Assert.Equal((OperationPhase.Succeeded, null), (operation.State!.Phase, operation.State.Failure?.Message));
        var image = (await Client.Images.GetAsync("mine/1.0", Deadline)).Value;
        Assert.Equal((ContentState.Ready, 8L << 20, false), (image.Status!.State, image.Status.VirtualSizeBytes, image.Spec.CloudInit));
        Assert.Contains(await ListAsync(Client.Images.ListAsync(Deadline)), one => one.Id == image.Id);
        Assert.DoesNotContain(await ListAsync(Client.Uploads.ListAsync(Deadline)), one => one.Id == upload.Id);

        var taken = await Assert.ThrowsAsync<LaminaException>(() => Client.Images.CreateAsync(new ImageCreate { Name = "mine/1.0", Recipe = "debian/12" }, Deadline));
        Assert.Equal("name.taken", taken.Problem.Code);
        var deleted = await Client.Operations.WaitAsync((await Client.Images.DeleteAsync("mine/1.0", Deadline)).Id, null, Deadline);
        Assert.Equal(OperationPhase.Succeeded, deleted.State!.Phase);
        Assert.Equal("image.notFound", (await Assert.ThrowsAsync<LaminaException>(() => Client.Images.GetAsync("mine/1.0", Deadline))).Problem.Code);
        Assert.False(Directory.Exists(Path.Join(_daemon.Instance.DefaultPoolDirectory, "images", image.Id)));
    }

    [Fact]
    public async Task Every_problem_of_a_request_is_told_and_nothing_is_changed()
    {
        using var response = await _daemon.Local.PostAsync(
            "/v1/images", Json("""{"name":"UPPER","upload":"none","sha256":"12","pool":"nowhere"}"""), Deadline);

        var problem = await ProblemOfAsync(response);
        Assert.Equal(["$.name", "$.pool", "$.sha256", "$.upload"], problem.Problems!.Select(one => one.Path).Order());
        using var unknown = await _daemon.Local.PostAsync("/v1/images", Json("""{"name":"a","recipes":"debian/12"}"""), Deadline);
        Assert.Equal(["$", "$.recipes"], (await ProblemOfAsync(unknown)).Problems!.Select(one => one.Path).Order());
    }

    [Fact]
    public async Task An_unfinished_upload_is_not_taken_over()
    {
        var upload = await Client.Uploads.CreateAsync(new UploadCreate { SizeBytes = 10 }, Deadline);
        var refused = await Assert.ThrowsAsync<LaminaException>(() => Client.Isos.CreateAsync(new IsoCreate { Name = "half", Upload = upload.Id }, Deadline));
        Assert.Equal(("upload.unfinished", "$.upload"), (refused.Problem.Problems!.Single().Code, refused.Problem.Problems!.Single().Path));
    }

    [Fact]
    public async Task An_ISO_that_is_no_ISO_fails_in_words_and_its_name_is_free_again()
    {
        var file = _folder.File("no.iso");
        await File.WriteAllBytesAsync(file, new byte[50_000], Deadline);
        var upload = await UploadAsync(file);

        var failed = await Client.Operations.WaitAsync((await Client.Isos.CreateAsync(new IsoCreate { Name = "disc", Upload = upload.Id }, Deadline)).Id, null, Deadline);
        Assert.Equal((OperationPhase.Failed, "iso.refused"), (failed.State!.Phase, failed.State.Failure!.Code));
        Assert.Contains("The upload is no ISO", failed.State.Failure.Message, StringComparison.Ordinal);

        var floppy = _folder.File("dos.img");
        await File.WriteAllBytesAsync(floppy, new byte[1474560], Deadline);
        var asFloppy = await UploadAsync(floppy);
        var iso = await EventuallyAsync(() => Client.Isos.CreateAsync(new IsoCreate { Name = "disc", Upload = asFloppy.Id, Kind = IsoKind.Floppy }, Deadline));
        Assert.Equal(OperationPhase.Succeeded, (await Client.Operations.WaitAsync(iso.Id, null, Deadline)).State!.Phase);
        var shown = (await Client.Isos.GetAsync("disc", Deadline)).Value;
        Assert.Equal((IsoKind.Floppy, 1474560L, ContentState.Ready), (shown.Spec.Kind, shown.Status!.SizeBytes, shown.Status.State));
        await Client.Operations.WaitAsync((await Client.Isos.DeleteAsync("disc", Deadline)).Id, null, Deadline);
    }

    [Fact]
    public async Task An_image_in_the_making_is_cancelled_rather_than_deleted()
    {
        await using var publisher = await FilePublisher.StartAsync();
        byte[] content = RandomNumberGenerator.GetBytes(1 << 20);
        publisher.Publish("slow.raw", content);
        publisher.HoldBack();
        var create = new ImageCreate { Name = "slow", Url = publisher.Folder + "slow.raw", Sha256 = Convert.ToHexStringLower(SHA256.HashData(content)) };
        var operation = await Client.Images.CreateAsync(create, Deadline);

        var busy = await Assert.ThrowsAsync<LaminaException>(() => Client.Images.DeleteAsync("slow", Deadline));
        Assert.Equal("image.busy", busy.Problem.Code);
        await Client.Operations.CancelAsync(operation.Id, Deadline);

        Assert.Equal(OperationPhase.Cancelled, (await Client.Operations.WaitAsync(operation.Id, null, Deadline)).State!.Phase);
    }

    [Fact]
    public async Task The_default_pool_is_there_from_the_first_start()
    {
        var pool = (await Client.Pools.GetAsync("default", Deadline)).Value;
        Assert.Equal((_daemon.Instance.DefaultPoolDirectory, PoolKind.Directory), (pool.Spec.Path, pool.Spec.Kind));
        Assert.Contains(await ListAsync(Client.Pools.ListAsync(Deadline)), one => one.Id == pool.Id);
    }

    private async Task<Upload> UploadAsync(string file)
    {
        await using var stream = File.OpenRead(file);
        return await Client.Uploads.SendAsync(stream, new UploadCreate { SizeBytes = stream.Length }, null, Deadline);
    }

    private async Task<(HttpStatusCode Status, string? Offset)> AppendAsync(string id, long offset, byte[] content)
    {
        using var request = new HttpRequestMessage(HttpMethod.Patch, $"/v1/uploads/{id}") { Content = new ByteArrayContent(content) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/offset+octet-stream");
        request.Headers.Add("Upload-Offset", offset.ToString(System.Globalization.CultureInfo.InvariantCulture));
        using var response = await _daemon.Local.SendAsync(request, Deadline);
        return (response.StatusCode, response.Headers.TryGetValues("Upload-Offset", out var values) ? values.Single() : null);
    }

    // The clean-up after a failed operation is a commit of its own, a moment later.
    private static async Task<Operation> EventuallyAsync(Func<Task<Operation>> create)
    {
        while (true)
        {
            try
            {
                return await create();
            }
            catch (LaminaException taken) when (taken.Problem.Code == "name.taken")
            {
                await Task.Yield();
            }
        }
    }

    private static async Task<List<T>> ListAsync<T>(IAsyncEnumerable<T> all)
    {
        var list = new List<T>();
        await foreach (var one in all) list.Add(one);
        return list;
    }

    private static StringContent Json(string json) => new(json, Encoding.UTF8, "application/json");

    private static async Task<Problem> ProblemOfAsync(HttpResponseMessage response) => (await response.Content.ReadFromJsonAsync(ApiJson.Default.Problem, Deadline))!;

    /// <summary>A file that can be read only up to a point, as one on a stick that is pulled out.</summary>
    private sealed class BrokenStream(byte[] content, int readable) : MemoryStream(content)
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            Position < readable
                ? await base.ReadAsync(buffer[..Math.Min(buffer.Length, readable - (int)Position)], cancellationToken)
                : throw new IOException("The stick was pulled out.");
    }
}
