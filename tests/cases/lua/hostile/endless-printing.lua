-- expect: R422 R423 3-5
function InterpretHealth(observedObj)
  while true do
    print("and again, and again, and again")
  end
end
