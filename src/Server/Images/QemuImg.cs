using System.Globalization;
using System.Text.Json;
using Lamina.Linux.Processes;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Server.Images;

/// <summary>What qemu-img says of a file.</summary>
/// <param name="VirtualSizeBytes">What a guest would see; a header may claim anything.</param>
/// <param name="OtherFile">A further file that reading it would open; null: none.</param>
internal sealed record QemuImgInfo(long VirtualSizeBytes, string? OtherFile, bool Encrypted);

/// <summary>One file of a chain: an open descriptor and QEMU's name of its format.</summary>
internal sealed record QemuImgFile(SafeFileHandle File, string Driver);

/// <summary>What qemu-img shall write.</summary>
/// <param name="Driver">QEMU's name of the format.</param>
/// <param name="Options">For <c>-o</c>; null: none.</param>
/// <param name="Compress">Compress the data (<c>-c</c>).</param>
internal sealed record QemuImgTarget(string Driver, string? Options = null, bool Compress = false)
{
    public static QemuImgTarget Qcow2 { get; } = new("qcow2", "compat=1.1");
}

/// <summary>
/// qemu-img on input that nobody trusts (decision 9): as a uid that owns nothing, under limits and a deadline, the file given as an open
/// descriptor and its format named, so that the tool guesses nothing, opens no second file, and can reach no path of ours.
/// </summary>
/// <param name="userId">The uid and gid it runs as.</param>
/// <param name="operation">For whom: see <see cref="ToolLeftovers"/>.</param>
internal sealed class QemuImg(uint userId, string operation, TimeProvider time)
{
    private const string Program = "qemu-img";
    private const int SourceFd = 3;

    // What qemu-img needs for the largest tables that QEMU accepts, its threads included; a header that asks for more fails.
    private const ulong AddressSpaceBytes = 4UL << 30;
    private static readonly TimeSpan ReadDeadline = TimeSpan.FromMinutes(5);

    /// <exception cref="CommandException">The file cannot be read as this format; qemu-img's own words.</exception>
    public async Task<QemuImgInfo> InspectAsync(SafeFileHandle source, string driver, CancellationToken cancellation)
    {
        using var answer = await ReadAsync(["info", "--output=json", "json:" + SourceOf(driver)], source, cancellation);
        return ReadInfo(answer.RootElement);
    }

    /// <summary>How many bytes the file takes as qcow2: what its data unpack to, whatever the virtual size claims.</summary>
    /// <exception cref="CommandException">As above.</exception>
    public Task<long> MeasureAsync(SafeFileHandle source, string driver, CancellationToken cancellation) =>
        MeasureAsync([new QemuImgFile(source, driver)], cancellation);

    /// <summary>As above, of a file and all files below it, nearest first.</summary>
    public async Task<long> MeasureAsync(IReadOnlyList<QemuImgFile> chain, CancellationToken cancellation)
    {
        var result = await Command.RunAsync(Reading(["measure", "--output=json", "-O", "qcow2", SourceOf(chain)], chain), cancellation);
        using var answer = JsonDocument.Parse(result.EnsureSuccess().Output);
        return answer.RootElement.GetProperty("required").GetInt64();
    }

    /// <summary>Copies the guest-visible content into a new qcow2.</summary>
    /// <param name="source">The upload.</param>
    /// <param name="driver">Its format.</param>
    /// <param name="target">An empty file that belongs to the uid.</param>
    /// <param name="limitBytes">The target may not grow beyond this.</param>
    /// <param name="deadline">Of the whole copy.</param>
    /// <param name="onPercent">0–100.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="CommandException">It failed; qemu-img's own words.</exception>
    /// <exception cref="TimeoutException">Not done by the deadline.</exception>
    public Task ConvertAsync(
        SafeFileHandle source, string driver, SafeFileHandle target, long limitBytes, TimeSpan deadline, Action<int> onPercent, CancellationToken cancellation) =>
        ConvertAsync([new QemuImgFile(source, driver)], target, QemuImgTarget.Qcow2, limitBytes, deadline, onPercent, cancellation);

    /// <summary>As above, of a file and all files below it, nearest first, into any format that stands alone.</summary>
    public Task ConvertAsync(
        IReadOnlyList<QemuImgFile> chain, SafeFileHandle target, QemuImgTarget form, long limitBytes, TimeSpan deadline, Action<int> onPercent, CancellationToken cancellation) =>
        ToolRun.RunAsync(
            new ToolSpec
            {
                Program = Program,
                Arguments =
                [
                    "convert", "-p", "-O", form.Driver, .. form.Options is { } options ? new[] { "-o", options } : [], .. form.Compress ? new[] { "-c" } : [],
                    SourceOf(chain), $"/proc/self/fd/{SourceFd + chain.Count}",
                ],
                Operation = operation,
                Deadline = deadline,
                Files = [.. FilesOf(chain), new ChildFile(target, SourceFd + chain.Count)],
                User = new ChildUser(userId, userId),
                Limits = Limits((ulong)limitBytes, deadline),
                OnLine = line =>
                {
                    if (PercentOf(line) is { } percent)
                    {
                        onPercent(percent);
                    }
                },
            },
            time,
            cancellation);

    /// <summary>Writes what the first file of a chain says into the second one. The first stays as it is.</summary>
    /// <param name="chain">Nearest first; the first two belong to the uid.</param>
    /// <param name="limitBytes">The second may not grow beyond this.</param>
    /// <param name="deadline">Of the whole work.</param>
    /// <param name="onPercent">0–100.</param>
    /// <param name="cancellation">Ends it; the chain reads as before.</param>
    /// <exception cref="CommandException">It failed; qemu-img's own words.</exception>
    public Task CommitAsync(IReadOnlyList<QemuImgFile> chain, long limitBytes, TimeSpan deadline, Action<int> onPercent, CancellationToken cancellation) => ToolRun.RunAsync(
        new ToolSpec
        {
            Program = Program,
            Arguments = ["commit", "-p", "-d", SourceOf(chain)],
            Operation = operation,
            Deadline = deadline,
            Files = [.. FilesOf(chain)],
            User = new ChildUser(userId, userId),
            Limits = Limits((ulong)limitBytes, deadline),
            OnLine = line =>
            {
                if (PercentOf(line) is { } percent) onPercent(percent);
            },
        },
        time,
        cancellation);

    /// <summary>Makes a qcow2 larger, in place. What lies below it is not opened.</summary>
    /// <param name="file">Belongs to the uid.</param>
    /// <param name="sizeBytes">What a guest shall see.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="CommandException">It failed, for instance because a process has the file open; qemu-img's own words.</exception>
    public async Task ResizeAsync(SafeFileHandle file, long sizeBytes, CancellationToken cancellation)
    {
        var spec = Reading(["resize", "json:" + SourceOf("qcow2"), sizeBytes.ToString(CultureInfo.InvariantCulture)], [new QemuImgFile(file, "qcow2")]);
        // What grows are its tables: of the largest disk some megabytes.
        var result = await Command.RunAsync(spec with { Limits = Limits((ulong)RandomAccess.GetLength(file) + (1UL << 30), ReadDeadline) }, cancellation);
        result.EnsureSuccess();
    }

    /// <summary>Reads <c>    (42.10/100%)</c>, as <c>qemu-img -p</c> writes.</summary>
    internal static int? PercentOf(string line)
    {
        var text = line.Trim();
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        return slash > 1 && text[0] == '(' && double.TryParse(text[1..slash], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var percent)
            ? (int)Math.Clamp(percent, 0, 100)
            : null;
    }

    internal static QemuImgInfo ReadInfo(JsonElement info) => new(
        info.GetProperty("virtual-size").GetInt64(),
        TextOf(info, "backing-filename") ?? DataFileOf(info) ?? FurtherExtentOf(info),
        info.TryGetProperty("encrypted", out var encrypted) && encrypted.GetBoolean());

    // "backing": null keeps a backing file from being opened even if the header named one that we failed to see.
    internal static string SourceOf(string driver, int descriptor = SourceFd, string below = "null") => driver == "raw"
        ? $$$"""{"driver":"raw","file":{"driver":"file","filename":"/proc/self/fd/{{{descriptor}}}"}}"""
        : $$$"""{"driver":"{{{driver}}}","backing":{{{below}}},"file":{"driver":"file","filename":"/proc/self/fd/{{{descriptor}}}"}}""";

    internal static string SourceOf(IReadOnlyList<QemuImgFile> chain)
    {
        string below = "null";
        for (int index = chain.Count - 1; index >= 0; index--) below = SourceOf(chain[index].Driver, SourceFd + index, below);
        return "json:" + below;
    }

    private static IEnumerable<ChildFile> FilesOf(IReadOnlyList<QemuImgFile> chain) => chain.Select((file, index) => new ChildFile(file.File, SourceFd + index));

    private async Task<JsonDocument> ReadAsync(IReadOnlyList<string> arguments, SafeFileHandle source, CancellationToken cancellation)
    {
        var result = await Command.RunAsync(Reading(arguments, [new QemuImgFile(source, "")]), cancellation);
        return JsonDocument.Parse(result.EnsureSuccess().Output);
    }

    private CommandSpec Reading(IReadOnlyList<string> arguments, IReadOnlyList<QemuImgFile> chain) => new()
    {
        Program = Program,
        Arguments = arguments,
        Timeout = ReadDeadline,
        Files = [.. FilesOf(chain)],
        User = new ChildUser(userId, userId),
        Limits = Limits(0, ReadDeadline),
        Environment = new Dictionary<string, string>(ChildSpec.DefaultEnvironment) { [ToolLeftovers.Mark] = operation },
    };

    private static ChildLimits Limits(ulong fileSizeBytes, TimeSpan deadline) => new()
    {
        AddressSpaceBytes = AddressSpaceBytes,
        CpuSeconds = (ulong)(deadline.TotalSeconds * Environment.ProcessorCount),
        FileSizeBytes = fileSizeBytes,
        OpenFiles = 64,
        CoreBytes = 0,
    };

    private static string? DataFileOf(JsonElement info) => FormatData(info) is { } data ? TextOf(data, "data-file") : null;

    private static string? FurtherExtentOf(JsonElement info) =>
        FormatData(info) is { } data && data.TryGetProperty("extents", out var extents) && extents.GetArrayLength() > 1
            ? TextOf(extents[1], "filename") ?? "a second extent"
            : null;

    private static JsonElement? FormatData(JsonElement info) =>
        info.TryGetProperty("format-specific", out var specific) && specific.TryGetProperty("data", out var data) ? data : null;

    private static string? TextOf(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
