-- expect: R421 R422 R423 3-6
function InterpretHealth(observedObj)
  package.preload.again = function()
    return require("again")
  end
  return require("again")
end
