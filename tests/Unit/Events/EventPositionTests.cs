using Lamina.Server.Events;
using Xunit;

namespace Lamina.Tests.Unit.Events;

public class EventPositionTests
{
    [Theory]
    [InlineData("")]
    [InlineData(".id")]
    [InlineData("-1.id")]
    [InlineData("0.id")]
    [InlineData("x.id")]
    public void WhatIsNoPositionIsNone(string text) => Assert.Null(EventPosition.Parse(text));

    [Fact]
    public void ComesBack()
    {
        Assert.Equal(new EventPosition(17, "0190ab"), EventPosition.Parse(new EventPosition(17, "0190ab").ToString()));
        Assert.Equal(new EventPosition(null, "0190ab"), EventPosition.Parse("0190ab"));
    }

    [Fact]
    public void AnEndlessOneIsNone() => Assert.Null(EventPosition.Parse(new string('a', 129)));
}
