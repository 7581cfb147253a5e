using System.Globalization;

namespace Lamina.Tests.Nested;

/// <summary>What a person reads: a line for each step with its time, its evidence below. Beside it a log of everything that was run.</summary>
internal sealed class Transcript(TextWriter output, string folder) : IDisposable
{
    private readonly StreamWriter _transcript = File.CreateText(Path.Combine(folder, "transcript.txt"));
    private readonly StreamWriter _log = File.CreateText(Path.Combine(folder, "log.txt"));
    private readonly List<string> _evidence = [];

    /// <summary>A fact that the present step rests on.</summary>
    public void Evidence(string line)
    {
        foreach (string part in line.TrimEnd().Split('\n')) _evidence.Add(part.TrimEnd());
    }

    /// <summary>Ends the present step. Failure: null when it went well.</summary>
    public void End(string step, TimeSpan took, string? failure)
    {
        Write(string.Create(CultureInfo.InvariantCulture, $"{(failure is null ? '✓' : '✗')} {took.TotalSeconds,6:0.0} s  {step}"));
        foreach (string line in _evidence) Write($"             {line}");
        if (failure is not null) foreach (string line in failure.TrimEnd().Split('\n')) Write($"             ! {line}");
        _evidence.Clear();
    }

    public void Write(string line)
    {
        output.WriteLine(line);
        _transcript.WriteLine(line);
        _transcript.Flush();
        Log($"=== {line}");
    }

    public void Log(string text)
    {
        _log.WriteLine(text);
        _log.Flush();
    }

    public void Dispose()
    {
        _transcript.Dispose();
        _log.Dispose();
    }
}
