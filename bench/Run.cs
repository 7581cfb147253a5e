using Lamina.Linux.Processes;

namespace Lamina.Bench;

/// <summary>Helper programs, and the clock.</summary>
internal static class Run
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static async Task<string> OutputAsync(string program, params IReadOnlyList<string> arguments) =>
        (await Command.RunAsync(Spec(program, arguments), CancellationToken.None)).EnsureSuccess().OutputText;

    /// <summary>Of a program that takes its time.</summary>
    public static async Task<string> OutputWithinAsync(TimeSpan patience, string program, params IReadOnlyList<string> arguments) =>
        (await Command.RunAsync(Spec(program, arguments) with { Timeout = patience }, CancellationToken.None)).EnsureSuccess().OutputText;

    public static async Task<string> OutputWithAsync(string input, string program, params IReadOnlyList<string> arguments) =>
        (await Command.RunAsync(Spec(program, arguments) with { Input = System.Text.Encoding.UTF8.GetBytes(input) }, CancellationToken.None)).EnsureSuccess().OutputText;

    /// <summary>Whatever its end is.</summary>
    public static Task TryAsync(string program, params IReadOnlyList<string> arguments) => Command.RunAsync(Spec(program, arguments), CancellationToken.None);

    /// <summary>From before the spawn to the end of the program, in milliseconds. Its children may run on.</summary>
    public static async Task<double> TimeProgramAsync(string program, IReadOnlyList<string> arguments, params IReadOnlyList<(string Name, string Value)> environment)
    {
        var spec = new ChildSpec
        {
            Program = program, Arguments = arguments, Environment = ChildSpec.DefaultEnvironment.Concat(environment.Select(pair => KeyValuePair.Create(pair.Name, pair.Value))).ToDictionary(),
            StandardError = ChildOutput.Tail(2000),
        };
        long begun = TimeProvider.System.GetTimestamp();
        using var child = ChildProcess.Spawn(spec);
        var exit = await child.WaitForExitAsync(CancellationToken.None).WaitAsync(Patience);
        double milliseconds = Since(begun);
        return exit.Succeeded ? milliseconds : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} {exit}: {System.Text.Encoding.UTF8.GetString(child.StandardError)}");
    }

    public static double Since(long begun) => TimeProvider.System.GetElapsedTime(begun).TotalMilliseconds;

    private static CommandSpec Spec(string program, IReadOnlyList<string> arguments) => new() { Program = program, Arguments = arguments, Timeout = Patience };
}
