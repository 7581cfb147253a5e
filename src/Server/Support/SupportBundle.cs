using System.IO.Compression;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Lamina.Api;
using Lamina.Linux;
using Lamina.Linux.Processes;
using Lamina.Server.Control;
using Lamina.Server.Doctor;
using Lamina.Server.Networks.Firewall;

namespace Lamina.Server.Support;

/// <summary>
/// What another person needs to find a fault, in one archive, without secrets: only the kinds of records named here go in, never users, sessions, tokens,
/// sealed data or keys; and of those, kernel command lines and notes are left out, since people write passwords there.
/// </summary>
internal sealed class SupportBundle(Instance instance, Cache cache, DoctorCollector doctor, LogRing log, TimeProvider time)
{
    private const string Removed = "(removed)";
    private static readonly TimeSpan ProgramPatience = TimeSpan.FromSeconds(10);

    private static readonly string[] HostFiles =
    [
        "/etc/os-release", "/proc/version", "/proc/cpuinfo", "/proc/meminfo", "/proc/loadavg", "/proc/mounts", "/proc/net/dev",
        "/proc/pressure/cpu", "/proc/pressure/memory", "/proc/pressure/io", "/proc/self/cgroup", "/proc/self/status",
    ];

    /// <summary>Writes the archive (tar, gzip); left open.</summary>
    public async Task WriteAsync(Stream output, CancellationToken cancellation)
    {
        await using var archive = new Archive(output, CompressionLevel.Optimal);
        foreach (var (name, content) in Records(cache.Snapshot)) await AddAsync(archive, name, content, cancellation);
        foreach (string file in HostFiles.Where(File.Exists)) await AddAsync(archive, "host/" + file.TrimStart('/').Replace('/', '-') + ".txt", await ReadAsync(file, cancellation), cancellation);
        foreach (var (name, program) in Programs()) await AddAsync(archive, name, await RunAsync(program, cancellation), cancellation);
        foreach (string file in RunRecords()) await AddAsync(archive, $"running/{Path.GetFileName(Path.GetDirectoryName(file))}.json", RunRecordRedaction.Apply(await ReadAsync(file, cancellation)), cancellation);
    }

    private IEnumerable<(string Name, string Content)> Records(CacheSnapshot snapshot)
    {
        yield return ("about.txt", $"laminad {BuildInformation.Version}, instance {instance.Name} ({instance.Number}), {time.GetUtcNow():O}, store revision {snapshot.Revision}{(cache.IsStale ? ", stale" : "")}\n");
        yield return ("doctor.json", JsonSerializer.Serialize(DoctorChecks.Report(doctor.Collect()), ApiJson.Default.DoctorReport));
        yield return ("log.txt", string.Concat(log.Read().Select(Line)));
        yield return Of(snapshot, "vms-spec", Keys.Vms.Spec, spec => spec with { Notes = spec.Notes is null ? null : Removed, Kernel = spec.Kernel is { CommandLine: not null } kernel ? kernel with { CommandLine = Removed } : spec.Kernel });
        yield return Of(snapshot, "vms-assignment", Keys.Vms.Assignment);
        yield return Of(snapshot, "vms-status", Keys.Vms.Status);
        yield return Of(snapshot, "disks-spec", Keys.Disks.Spec);
        yield return Of(snapshot, "disks-status", Keys.Disks.Status);
        yield return Of(snapshot, "images-spec", Keys.Images.Spec);
        yield return Of(snapshot, "images-status", Keys.Images.Status);
        yield return Of(snapshot, "isos-spec", Keys.Isos.Spec);
        yield return Of(snapshot, "isos-status", Keys.Isos.Status);
        yield return Of(snapshot, "pools-spec", Keys.Pools.Spec);
        yield return Of(snapshot, "pools-status", Keys.Pools.Status);
        yield return Of(snapshot, "networks-spec", Keys.Networks.Spec);
        yield return Of(snapshot, "networks-status", Keys.Networks.OnHost);
        yield return Of(snapshot, "hosts-spec", Keys.Hosts.Spec);
        yield return Of(snapshot, "hosts-status", Keys.Hosts.Status);
        yield return Of(snapshot, "operations-request", Keys.Operations.Request);
        yield return Of(snapshot, "operations-state", Keys.Operations.State);
    }

    private static (string Name, string Content) Of<T>(CacheSnapshot snapshot, string name, RecordKind<T> kind, Func<T, T>? redact = null)
        where T : StoredRecord
    {
        var text = new StringBuilder();
        foreach (var record in snapshot.All(kind))
            text.Append(record.Id).Append(' ').Append(record.ModRevision).Append(' ').AppendLine(JsonSerializer.Serialize(redact is null ? record.Record : redact(record.Record), kind.TypeInfo));
        return ($"records/{name}.txt", text.ToString());
    }

    private static string Line(LogEntry line) =>
        $"{line.Time:O} {line.Level} {line.RequestId ?? "-"} {line.Category}: {line.Message}{(line.Exception is null ? "" : "\n" + line.Exception)}\n";

    /// <summary>What this daemon made on the host, as the host sees it.</summary>
    private IEnumerable<(string Name, string[] Program)> Programs() =>
    [
        ("host/packet-rules.txt", ["nft", "list", "table", "inet", instance.NftTable]),
        ("host/packet-rules-bridge.txt", ["nft", "list", "table", "bridge", instance.NftTable]),
        ("host/packet-rules-firewall.txt", ["nft", "--terse", "list", "table", "bridge", HostFirewall.TableOf(instance.NftTable)]),
        ("host/links.txt", ["ip", "-details", "link"]),
        ("host/addresses.txt", ["ip", "address"]),
        ("host/routes.txt", ["ip", "route"]),
        ("host/room.txt", ["df", "-h"]),
        ("host/journal.txt", ["journalctl", "--unit", "lamina", "--lines", "5000", "--no-pager"]),
    ];

    private static async Task<string> RunAsync(string[] program, CancellationToken cancellation)
    {
        try
        {
            var result = await Command.RunAsync(new CommandSpec { Program = program[0], Arguments = program[1..], Timeout = ProgramPatience }, cancellation);
            return result.OutputText + result.ErrorText;
        }
        catch (Exception failure) when (failure is LinuxException or TimeoutException or CommandException or FileNotFoundException)
        {
            return $"{string.Join(' ', program)}: {failure.Message}\n";
        }
    }

    private IEnumerable<string> RunRecords() => Directory.Exists(instance.VmsDirectory)
        ? Directory.EnumerateFiles(instance.VmsDirectory, Engine.RunRecord.FileName, new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 1 })
        : [];

    private static async Task<string> ReadAsync(string file, CancellationToken cancellation)
    {
        try
        {
            return await File.ReadAllTextAsync(file, cancellation);
        }
        catch (IOException gone)
        {
            return gone.Message;
        }
    }

    private static Task AddAsync(Archive archive, string name, string content, CancellationToken cancellation) =>
        archive.AddAsync(name, Encoding.UTF8.GetBytes(content), cancellation);
}
