-- expect: R422 3-5
function InterpretHealth(observedObj)
  xpcall(function()
    error("now the handler")
  end, function() while true do end end)
  return true
end
