using System.Net;
using Lamina.Api.Input;
using Lamina.Linux.Host;

namespace Lamina.Server.Hosts;

/// <summary>What can be read of the machine at once, without running anything.</summary>
internal sealed record MachineFacts
{
    private const int BytesPerMiB = 1 << 20;

    /// <summary>The host's name as a label.</summary>
    public required string Name { get; init; }
    public required string KernelVersion { get; init; }
    public required string CpuModel { get; init; }

    /// <summary>Logical processors: what vCPUs are scheduled on.</summary>
    public required int Cores { get; init; }
    public required long MemoryMiB { get; init; }

    public static MachineFacts Read()
    {
        var cpu = CpuFacts.Read();
        return new MachineFacts
        {
            Name = LabelOf(Dns.GetHostName()),
            KernelVersion = File.ReadAllText("/proc/sys/kernel/osrelease").Trim(),
            CpuModel = cpu.Model,
            Cores = cpu.Threads,
            MemoryMiB = MemoryFacts.Read().TotalBytes / BytesPerMiB,
        };
    }

    /// <summary>A host name in the form that names have here: its first label, lower-case, what does not fit replaced.</summary>
    internal static string LabelOf(string hostName)
    {
        string first = hostName.Split('.')[0].ToLowerInvariant();
        string label = new string([.. first.Take(Names.LabelLength).Select(character => char.IsAsciiLetterOrDigit(character) ? character : '-')]).Trim('-');
        return Names.IsLabel(label) ? label : "host";
    }
}
