using System.Text.Json.Serialization.Metadata;

namespace Lamina.Engine.Qmp;

/// <summary>A monitor command as the tests see it: its name and the JSON contracts of both directions.</summary>
public abstract class QmpCommand(string name, JsonTypeInfo arguments, JsonTypeInfo result)
{
    public string Name { get; } = name;
    public JsonTypeInfo ArgumentsInfo { get; } = arguments;
    public JsonTypeInfo ResultInfo { get; } = result;
}

/// <summary>One request record and one response record per command, so that either can grow.</summary>
public sealed class QmpCommand<TArguments, TResult>(string name, JsonTypeInfo<TArguments> arguments, JsonTypeInfo<TResult> result)
    : QmpCommand(name, arguments, result)
{
    public JsonTypeInfo<TArguments> Arguments { get; } = arguments;
    public JsonTypeInfo<TResult> Result { get; } = result;
}

/// <summary>Arguments or result of a command that has none: <c>{}</c>.</summary>
public sealed record QmpNothing
{
    public static readonly QmpNothing Instance = new();
}
