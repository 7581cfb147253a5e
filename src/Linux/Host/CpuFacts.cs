namespace Lamina.Linux.Host;

/// <summary>The processor of this machine (/proc/cpuinfo).</summary>
/// <param name="Vendor">"GenuineIntel", "AuthenticAMD"…</param>
/// <param name="Model">"AMD EPYC 9354 32-Core Processor".</param>
/// <param name="Cores">Physical cores, of all sockets.</param>
/// <param name="Threads">Logical processors online.</param>
/// <param name="Flags">The kernel's names of its features: vmx, svm, npt, ept…</param>
public sealed record CpuFacts(string Vendor, string Model, int Cores, int Threads, IReadOnlySet<string> Flags)
{
    public static CpuFacts Read() => Parse(File.ReadAllText("/proc/cpuinfo"));

    /// <summary>One paragraph of `name : value` lines for each logical processor.</summary>
    internal static CpuFacts Parse(string text)
    {
        var processors = text
            .Split("\n\n", StringSplitOptions.RemoveEmptyEntries)
            .Select(ParseProcessor)
            .Where(processor => processor.ContainsKey("processor"))
            .ToList();
        var first = processors.FirstOrDefault() ?? [];
        var cores = processors.Select(processor => (Of(processor, "physical id"), Of(processor, "core id"))).Distinct().Count();
        return new(Of(first, "vendor_id"), Of(first, "model name"), cores, processors.Count, Of(first, "flags").Split(' ').ToHashSet());
    }

    private static Dictionary<string, string> ParseProcessor(string paragraph)
    {
        var members = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in paragraph.Split('\n'))
            if (line.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon)
                members[line[..colon].Trim()] = line[(colon + 1)..].Trim();
        return members;
    }

    private static string Of(Dictionary<string, string> members, string name) => members.GetValueOrDefault(name, "");
}
