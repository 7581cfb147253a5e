using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Lamina.Engine.Qmp;

/// <summary>An event as it came; <see cref="Data"/> is undefined where the event has none.</summary>
public readonly record struct QmpEvent(string Name, JsonElement Data);

/// <summary>QEMU's version, from the greeting.</summary>
public sealed record QmpVersion(int Major, int Minor, int Micro)
{
    public override string ToString() => $"{Major}.{Minor}.{Micro}";
}

/// <summary>An event as the tests see it.</summary>
public abstract class QmpEventKind(string name, JsonTypeInfo data)
{
    public string Name { get; } = name;
    public JsonTypeInfo DataInfo { get; } = data;
}

/// <summary>An event whose data the engine reads.</summary>
public sealed class QmpEventKind<TData>(string name, JsonTypeInfo<TData> data) : QmpEventKind(name, data)
{
    /// <exception cref="QmpProtocolException">The data is not what the event promises.</exception>
    public TData Read(QmpEvent received)
    {
        try
        {
            return received.Data.Deserialize(data) ?? throw new QmpProtocolException($"The event {Name} has no data.");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new QmpProtocolException($"The data of the event {Name} is not what QEMU's schema says: {exception.Message}", exception);
        }
    }
}
